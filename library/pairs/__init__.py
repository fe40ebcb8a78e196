"""Pairs: browse, search, one pair with all that is known of it."""
