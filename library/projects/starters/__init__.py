"""Guidelines to begin with, by what is judged: one Markdown file each."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

Starter = Literal["helpful", "harmless", "honest", "summarization", "code"]
TITLES: dict[Starter, str] = {
    "helpful": "Helpfulness",
    "harmless": "Harmlessness",
    "honest": "Honesty",
    "summarization": "Summarization",
    "code": "Code",
}
STARTERS: tuple[Starter, ...] = get_args(Starter)


def guideline_text(name: Starter) -> str:
    """The guideline of that name, in Markdown."""
    return (Path(__file__).parent / f"{name}.md").read_text(encoding="utf-8")
