"""Where a model came from."""
