"""A small honest world and a language model trained on it, for machines without a hub."""

from pathlib import Path

MODEL_PATH = Path(__file__).parent / "model"
"""The committed sandbox model and its tokenizer, loadable like any other model folder."""
