"""Formats: one module each, with the shape that it reads and, where we export it, its writer."""
