"""Each format, on rows written after its published schema and on a small file in its shape."""
