"""A draft constitution before it is published: tried on a pair, and its impact measured."""
