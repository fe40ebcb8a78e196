"""Judges over REST, one file a subject."""
