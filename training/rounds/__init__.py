"""Rounds of sampling, judging, freezing and training."""
