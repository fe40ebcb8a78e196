"""Which pair goes to whom, and how it is shown."""
