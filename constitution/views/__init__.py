"""Pages of constitutions and of critique runs, one file a subject."""
