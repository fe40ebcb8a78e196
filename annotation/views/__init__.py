"""Pages of annotation, one file a subject."""
