"""Completions sampled from a project's models, and the pairs that are made of them.

`selection` says which prompts are answered, `plan` (pure) seeds and pairs them, `services`
launches, `runner` does the work, `estimate` says beforehand what it would take.
"""
