"""Constitutions and critique runs over REST."""
