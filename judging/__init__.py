"""The AI judge: a rater that reads option probabilities under a constitution."""
