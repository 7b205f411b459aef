"""Tables of records: read, typed, turned into blocks of choices, and written again."""
