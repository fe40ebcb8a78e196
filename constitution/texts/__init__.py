"""The text of a constitution: read and written as files, edited field by field, compared, and its
history."""
