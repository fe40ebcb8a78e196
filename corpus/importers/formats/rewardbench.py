"""RewardBench: a better and a worse answer, in subsets that are reported apart; and RewardBench 2,
with several of each.

Source: Lambert et al. 2024, arXiv 2403.13787; Malik et al. 2025, arXiv 2506.01937.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from corpus.importers.reading import Row, RowError, conversation, pair_of, rest, short, text
from corpus.importers.records import MAX_COMPLETIONS, Record

NAME = "rewardbench"
TITLE = "RewardBench pairs"
RATER = "rewardbench"
NEEDED = frozenset({"prompt", "chosen", "rejected", "subset"})
MODELS = frozenset({"chosen_model", "rejected_model"})
SEVERAL = frozenset({"num_correct", "num_incorrect"})
USED = (*NEEDED, *MODELS, "id", "models")


class _Answer(NamedTuple):
    text: str
    model: str | None


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """2 where rows have a subset, and name the models of two texts or count those of two lists."""
    return 2 * any(
        row.keys() >= NEEDED
        and (
            (row.keys() >= MODELS and isinstance(row["chosen"], str))
            or (row.keys() >= SEVERAL and isinstance(row["chosen"], list))
        )
        for row in rows
    )


def parse(row: Row) -> list[Record]:
    """The pairs of a row, each better answer with each worse; the subset is the domain. Nothing is
    said of two that are both better, or both worse."""
    fields = row.fields
    prompt = fields.get("prompt")
    better, worse = _answers(fields)
    several = len(better) * len(worse) > 1
    known: dict[str, Any] = {
        "prompt": conversation(prompt, "prompt")
        if isinstance(prompt, list | tuple)
        else text(fields, "prompt"),
        "domain": short(fields.get("subset"), 100),
        "source": row.source,
        "metadata": rest(fields, USED),
    }
    number = short(fields.get("id"), 180)
    return [
        pair_of(
            **known,
            id=f"{number}:{first + 1}-{second + 1}" if number and several else number,
            chosen=one.text,
            rejected=other.text,
            chosen_model=one.model,
            rejected_model=other.model,
            label={"rater": RATER},
        )
        for first, one in enumerate(better)
        for second, other in enumerate(worse)
    ]


def _answers(fields: Mapping[str, Any]) -> tuple[list[_Answer], list[_Answer]]:
    """The better answers and the worse; the models of lists are listed in that order."""
    if not isinstance(fields.get("chosen"), list):
        return (
            [_Answer(text(fields, "chosen"), short(fields.get("chosen_model")) or None)],
            [_Answer(text(fields, "rejected"), short(fields.get("rejected_model")) or None)],
        )
    better, worse = _texts(fields, "chosen"), _texts(fields, "rejected")
    said = fields.get("models")
    models = said if isinstance(said, list) and len(said) == len(better) + len(worse) else []
    answers = [
        _Answer(one, (short(models[place]) or None) if models else None)
        for place, one in enumerate([*better, *worse])
    ]
    if len(answers) > MAX_COMPLETIONS:
        raise RowError(f"has {len(answers)} answers; at most {MAX_COMPLETIONS} can be compared")
    return answers[: len(better)], answers[len(better) :]


def _texts(fields: Mapping[str, Any], name: str) -> list[str]:
    value = fields.get(name)
    if not isinstance(value, list) or not value:
        raise RowError(f"{name}: must be a text, or a list of texts as the other one is")
    for place, one in enumerate(value):
        if not isinstance(one, str):
            raise RowError(f"{name}.{place}: must be a string, got {type(one).__name__}")
    return value
