"""How a judge asks: prompts, questions, settings, and the arithmetic of its answers."""
