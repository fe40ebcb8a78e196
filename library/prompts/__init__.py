"""The prompts of a project, and what was answered to each."""
