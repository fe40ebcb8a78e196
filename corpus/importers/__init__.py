"""Importers: streams of parsed lines, one module a format."""
