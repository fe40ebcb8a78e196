"""Annotation over REST, one file a subject."""
