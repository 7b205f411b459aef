"""What the modality of series is made of."""
