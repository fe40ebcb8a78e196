"""What a project holds, page by page: its data, how it came in, and how a project begins."""
