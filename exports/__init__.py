"""Dataset versions: built, split, hashed and verified."""
