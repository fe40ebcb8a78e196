"""Critique and revision: chains of steps, their prompts, and the work of a run."""
