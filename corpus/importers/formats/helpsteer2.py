"""HelpSteer2 (and HelpSteer): answers rated from 0 to 4 on five axes; those of one prompt are
neighbors.

Source: Wang et al. 2024, arXiv 2406.08673.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.reading import Row, RowError, conversation, number, rest, short, text
from corpus.importers.records import MAX_COMPLETIONS, Candidate, GroupRecord, Ranking, Record
from corpus.importers.turns import Turn

NAME = "helpsteer2"
TITLE = "HelpSteer2 ratings"
RATER = "helpsteer2"
OVERALL = "helpfulness"
AXES = (OVERALL, "correctness", "coherence", "complexity", "verbosity")
NEEDED = frozenset({"prompt", "response", *AXES})

_MARK = re.compile(r"\n*<extra_id_1>(User|Assistant)\n")
_ROLES = {"User": "user", "Assistant": "assistant"}


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """2 where rows rate one response on the five axes."""
    return 2 * any(row.keys() >= NEEDED for row in rows)


def belongs(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether two neighbors answer one prompt. One that lacks an answer or a rating stands alone,
    so that it costs no other."""
    prompt = after.get("prompt")
    same = isinstance(prompt, str) and prompt == before.get("prompt")
    return same and all(
        isinstance(row.get("response"), str) and number(row.get(OVERALL)) is not None
        for row in (before, after)
    )


def parse(row: Row) -> list[Record]:
    """The record of a row that has no neighbors of its prompt."""
    return parse_rows([row])


def parse_rows(rows: Sequence[Row]) -> list[Record]:
    """The answers of one prompt, with the ratings of all of them: helpfulness is the overall."""
    starts = range(0, len(rows), MAX_COMPLETIONS)
    return [_group(rows[start : start + MAX_COMPLETIONS]) for start in starts]


def prompt_turns(prompt: str) -> tuple[Turn, ...]:
    """A prompt's turns: the user begins, and marks `<extra_id_1>` begin the others."""
    texts = _MARK.split(prompt)
    messages = [{"role": "user", "content": texts[0]}]
    for speaker, said in zip(texts[1::2], texts[2::2], strict=True):
        messages.append({"role": _ROLES[speaker], "content": said})
    return conversation(messages, "prompt")


def _group(rows: Sequence[Row]) -> GroupRecord:
    ratings = [_ratings(row) for row in rows]
    ranking = Ranking(
        rater=RATER,
        scores=tuple(one[OVERALL] for one in ratings),
        criteria={axis: tuple(one[axis] for one in ratings) for axis in AXES},
        measured=True,
    )
    candidates = tuple(
        Candidate(
            text=text(row.fields, "response"), metadata=rest(row.fields, ("prompt", "response"))
        )
        for row in rows
    )
    return GroupRecord(
        prompt=prompt_turns(text(rows[0].fields, "prompt")),
        completions=candidates,
        rankings=(ranking,),
        source=rows[0].source,
    )


def _ratings(row: Row) -> dict[str, float | None]:
    found = {axis: number(row.fields.get(axis)) for axis in AXES}
    if found[OVERALL] is None:
        said = short(row.fields.get(OVERALL), 60)
        raise RowError(f"{OVERALL}: must be a number, got {said!r}")
    return found
