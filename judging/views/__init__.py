"""Pages of judges, one file a subject."""
