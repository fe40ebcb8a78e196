"""Raters, the queue of wanted labels, labels, and how far raters agree."""
