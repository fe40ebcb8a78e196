"""LLaMA-Factory's KTO data: a dialogue with a tag that says whether its answer is good.

Source: LLaMA-Factory, data/README.md, "KTO dataset".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.formats.llamafactory_alpaca_dpo import ASKED, alpaca_prompt
from corpus.importers.formats.llamafactory_sharegpt_dpo import sharegpt_turns
from corpus.importers.reading import (
    Dialogue,
    Row,
    RowError,
    as_dialogue,
    described,
    rater_of,
    text,
    thumb,
)
from corpus.importers.records import CompletionRecord, Record, ThumbRecord

NAME = "llamafactory-kto"
TITLE = "LLaMA-Factory KTO"
TAG = "kto_tag"
DIALOGUES = ("messages", "conversations")


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """2 where a row has this format's own tag; 1 where it has a dialogue with a true or false."""
    if any(TAG in row for row in rows):
        return 2
    return int(
        any(
            any(isinstance(row.get(name), list) for name in DIALOGUES)
            and isinstance(row.get("label"), bool)
            for row in rows
        )
    )


def parse(row: Row) -> list[Record]:
    """The answer of a row with its thumb."""
    fields = row.fields
    tag = TAG if TAG in fields else "label"
    rater, column = rater_of(fields, NAME)
    found = next((name for name in DIALOGUES if fields.get(name) is not None), None)
    if found is None and "instruction" not in fields:
        raise RowError("there are no messages, and no conversations or instruction either")
    used: tuple[str, ...]
    if found is None:
        said, used = Dialogue(alpaca_prompt(fields), text(fields, "output")), (*ASKED, "output")
    else:
        said, used = as_dialogue(sharegpt_turns(fields, found), found), (found, "system")
    return [
        CompletionRecord(
            **described(row, [*used, tag, *([column] if column else [])]),
            prompt=said.prompt,
            completion=said.answer,
            labels=(ThumbRecord(rater=rater, good=thumb(fields, tag)),),
        )
    ]
