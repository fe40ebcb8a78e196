"""Training recipes: a spec and a dataset folder in, a model and a result file out. No Django.

Each recipe is one module run as `python -m training.recipes.METHOD SPEC`; `docs/training.md`
holds the spec fields and the run-folder protocol.
"""

import os

# huggingface_hub reads this once, when it is first imported, so it must be set before any recipe
# module imports torch's relatives. A run reports to its own folder and to nobody else.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
