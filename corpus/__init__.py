"""Projects, prompts, completions, pairs and model versions: what everything else refers to."""
