"""Judging a generator: four views, each of figures with their floors, panels and words."""
