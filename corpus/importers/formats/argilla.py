"""Argilla records: fields, the responses of people by question, and the suggestions of models.

Source: docs.argilla.io, `Record.to_dict` and `Dataset.records.to_datasets` (version 2), and the
feedback records of version 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, NamedTuple

from corpus.importers.argilla_answers import Given, given, is_flat, nested, suggested
from corpus.importers.mapping import NAMES, THUMBS, guess
from corpus.importers.reading import (
    Row,
    RowError,
    answer,
    conversation,
    number,
    objects,
    rest,
    short,
)
from corpus.importers.records import (
    Candidate,
    CompletionRecord,
    GroupRecord,
    ImportedChoice,
    LabelRecord,
    PairRecord,
    Ranking,
    RaterKind,
    Record,
    ThumbRecord,
)
from corpus.importers.said import OVERALL, likeliest, named_choice, overall_of, plain

NAME = "argilla"
TITLE = "Argilla records"
USED = ("id", "fields", "responses", "suggestions", "metadata", "vectors")
COMMENTS = (*NAMES["comment"], "comments", "feedback", "justification")

_ANSWER = re.compile(
    r"(response|answer|completion|output|generation|reply|candidate|text|summary)[ _-]?(\d+|[a-z])$"
)

Scores = tuple[float | None, ...]


class _Statement(NamedTuple):
    """All that one rater said of the answers."""

    rater: str
    kind: RaterKind
    choices: dict[str, ImportedChoice]
    best: dict[str, int]
    scores: dict[str, dict[int, float]]
    ranked: set[str]
    words: dict[str, str]
    comments: list[str]
    strengths: list[int]

    @property
    def comment(self) -> str:
        return "\n".join(self.comments)


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """2 where rows have fields, and responses or suggestions to questions."""
    return 2 * any(
        is_flat(row)
        or (
            isinstance(row.get("fields"), Mapping)
            and isinstance(row.get("responses"), Mapping | list)
        )
        for row in rows
    )


def parse(row: Row) -> list[Record]:
    """The records of an Argilla record: a pair; a group, where it has more than two answers; or a
    completion with thumbs."""
    if is_flat(row.fields):
        row = replace(row, fields=nested(row.fields))
    fields = row.fields.get("fields")
    if not isinstance(fields, Mapping):
        raise RowError("fields: must be an object with the texts")
    names = _answers(fields)
    prompt = guess([name for name in fields if name not in names]).get("prompt")
    if not names or prompt is None:
        raise RowError(
            f"fields: names no {'prompt' if names else 'answers'}; they are "
            f"{', '.join(map(str, fields)) or 'none'}. Call them prompt, response1 and response2"
        )
    dropped = ["vectors"] if row.fields.get("vectors") else []
    statements = _statements(list(given(row.fields, dropped)), names, dropped)
    texts = [answer(fields[name], f"fields.{name}") for name in names]
    known = _known(row, fields, prompt, names)
    if len(names) == 1:
        return [_completion(statements, texts[0], known, dropped)]
    if len(names) == 2:
        return [_pair(statements, names, texts, known, dropped)]
    return _several(statements, texts, known, dropped)


def _answers(fields: Mapping[str, Any]) -> list[str]:
    """The fields that are answers, in their order: those that are numbered, or the only one."""
    numbered = [name for name in fields if _ANSWER.search(name.lower())]
    if len(numbered) > 1:
        return numbered
    found = guess(fields)
    if "response_a" in found and "response_b" in found:
        return [found["response_a"], found["response_b"]]
    single = found.get("completion")
    return numbered or ([single] if single else [])


def _known(
    row: Row, fields: Mapping[str, Any], prompt: str, names: Sequence[str]
) -> dict[str, Any]:
    asked = fields[prompt]
    if isinstance(asked, list | tuple):
        asked = conversation(asked, f"fields.{prompt}")
    elif not isinstance(asked, str):
        raise RowError(f"fields.{prompt}: must be a text or a list of messages")
    own = row.fields.get("metadata")
    metadata = {
        **rest(row.fields, USED),
        **rest(fields, (prompt, *names)),
        **(rest(own, ()) if isinstance(own, Mapping) else {}),
    }
    if scores := {
        f"{question} by {short(one.get('agent')) or 'suggestion'}": score
        for question, one in suggested(row.fields.get("suggestions"))
        if (score := number(one.get("score"))) is not None
    }:
        metadata["suggestion_scores"] = scores
    known = {"prompt": asked, "id": short(row.fields.get("id")), "source": row.source}
    return {**known, "metadata": metadata}


def _statements(
    answers: Sequence[Given], names: Sequence[str], dropped: list[str]
) -> list[_Statement]:
    found: dict[tuple[str, RaterKind], _Statement] = {}
    for one in answers:
        statement = found.setdefault(
            (one.rater, one.kind),
            _Statement(one.rater, one.kind, {}, {}, {}, set(), {}, [], []),
        )
        if not _take(one, statement, names):
            dropped.append(
                f"{'responses' if one.kind == 'human' else 'suggestions'}.{one.question}"
            )
    return list(found.values())


def _take(one: Given, into: _Statement, names: Sequence[str]) -> bool:
    """Put a value where it belongs in a rater's statement; False where it says nothing of the
    answers. RowError for a ranking that cannot be read, and a choice that is no known word."""
    value = one.value[0] if isinstance(one.value, list) and len(one.value) == 1 else one.value
    if isinstance(one.value, list) and one.value and isinstance(one.value[0], Mapping):
        into.scores[one.question] = _ranks(one, names)
        into.ranked.add(one.question)
        return True
    if isinstance(value, bool):
        into.words[one.question] = str(value)
        return True
    if isinstance(value, int | float):
        return _rate(one.question, number(value), into, names)
    if not isinstance(value, str):
        return False
    if plain(one.question) in COMMENTS:
        into.comments.append(value)
        return True
    return _choose(one, value, into, names)


def _choose(one: Given, value: str, into: _Statement, names: Sequence[str]) -> bool:
    if len(names) == 1:
        into.words[one.question] = value
        return True
    lowered = [name.lower() for name in names]
    if value.strip().lower() in lowered:
        into.best[one.question] = lowered.index(value.strip().lower())
    if len(names) > 2:
        return one.question in into.best
    choice = named_choice(value, [names[0]], [names[1]])
    if choice is not None:
        into.choices[one.question] = choice  # type: ignore[assignment]
    elif one.kind == "human" and plain(one.question) in OVERALL:
        raise RowError(
            f"responses.{one.question}: {short(value, 60)!r} is no known choice; write the name of "
            "a field, tie or both bad"
        )
    return choice is not None


def _rate(question: str, score: float | None, into: _Statement, names: Sequence[str]) -> bool:
    """A number is a rating of the answer that its question names, or a strength."""
    if score is None:
        return False
    for place, name in enumerate(names):
        if plain(name) in plain(question):
            bare = re.sub(re.escape(name), "", question, flags=re.IGNORECASE)
            axis = re.sub(r"^(of|for)?[_\- ]+|[_\- ]+(of|for)?$", "", bare) or "rating"
            into.scores.setdefault(axis, {})[place] = score
            return True
    if plain(question) in NAMES["strength"] and score in (1, 2, 3):
        into.strengths.append(int(score))
        return True
    return False


def _ranks(one: Given, names: Sequence[str]) -> dict[int, float]:
    """A ranking's scores by answer: the lower the rank, the higher."""
    found: dict[int, float] = {}
    for place, entry in enumerate(objects(one.value, f"responses.{one.question}")):
        where = f"responses.{one.question}.{place}"
        name, rank = entry.get("value"), number(entry.get("rank"))
        if name not in names:
            raise RowError(
                f"{where}: {short(name, 60)!r} is no answer; they are {', '.join(names)}"
            )
        if rank is None:
            raise RowError(f"{where}: {short(name, 60)!r} has no rank")
        found[names.index(name)] = -rank
    return found


def _completion(
    statements: Sequence[_Statement], text: str, known: dict[str, Any], dropped: list[str]
) -> CompletionRecord:
    labels = []
    for one in statements:
        dropped += [f"responses.{axis}" for axis in one.scores]
        if not one.words:
            continue
        question = likeliest(one.words) or next(iter(one.words))
        good = THUMBS.get(one.words[question].strip().lower())
        if good is None:
            dropped.append(f"responses.{question}")
            continue
        labels.append(ThumbRecord(rater=one.rater, kind=one.kind, good=good, comment=one.comment))
    return CompletionRecord(
        **known, completion=text, labels=tuple(labels), dropped=tuple(dict.fromkeys(dropped))
    )


def _pair(
    statements: Sequence[_Statement],
    names: Sequence[str],
    texts: Sequence[str],
    known: dict[str, Any],
    dropped: list[str],
) -> PairRecord:
    labels = []
    for one in statements:
        both = {
            axis: (scores[0], scores[1]) for axis, scores in one.scores.items() if len(scores) == 2
        }
        dropped += [f"responses.{axis}" for axis in one.scores if axis not in both]
        said = overall_of(one.choices, both)
        if said is None:
            dropped += ["responses (comments without a choice)"] if one.comments else []
            continue
        labels.append(
            LabelRecord(
                rater=one.rater,
                kind=one.kind,
                choice=said.choice,
                criteria=said.criteria,
                margin=None if one.ranked else said.margin,
                strength=one.strengths[0] if one.strengths else None,
                comment=one.comment,
            )
        )
    return PairRecord(
        **known,
        response_a=texts[0],
        response_b=texts[1],
        labels=tuple(labels),
        dropped=tuple(dict.fromkeys(dropped)),
    )


def _several(
    statements: Sequence[_Statement],
    texts: Sequence[str],
    known: dict[str, Any],
    dropped: list[str],
) -> list[Record]:
    """A group with the rankings and ratings; and where raters only named the best, a pair of it
    with each other answer, for of the others they said nothing."""
    rankings = []
    for one in statements:
        if one.scores:
            main = likeliest(dict.fromkeys(one.ranked, 0) or one.scores) or next(
                iter(one.ranked or one.scores)
            )
            axes = {axis: _row(scores, len(texts)) for axis, scores in one.scores.items()}
            rankings.append(
                Ranking(
                    rater=one.rater,
                    kind=one.kind,
                    scores=axes.pop(main),
                    criteria=axes,
                    measured=main not in one.ranked,
                    comment=one.comment,
                )
            )
    pairs = _bests([one for one in statements if not one.scores], texts, known)
    records: list[Record] = [*pairs]
    if rankings or not pairs:
        group = GroupRecord(
            **known,
            completions=tuple(Candidate(text=text) for text in texts),
            rankings=tuple(rankings),
        )
        records.insert(0, group)
    records[0] = records[0].model_copy(update={"dropped": tuple(dict.fromkeys(dropped))})
    return records


def _row(scores: Mapping[int, float], n: int) -> Scores:
    return tuple(scores.get(place) for place in range(n))


def _bests(
    statements: Sequence[_Statement], texts: Sequence[str], known: dict[str, Any]
) -> list[PairRecord]:
    found = []
    for first, second in combinations(range(len(texts)), 2):
        labels = []
        for one in statements:
            best = one.best.get(likeliest(one.best) or next(iter(one.best), ""))
            if best in (first, second):
                choice: ImportedChoice = "a" if best == first else "b"
                labels.append(
                    LabelRecord(rater=one.rater, kind=one.kind, choice=choice, comment=one.comment)
                )
        if labels and texts[first] != texts[second]:
            found.append(
                PairRecord(
                    **known,
                    response_a=texts[first],
                    response_b=texts[second],
                    labels=tuple(labels),
                )
            )
    return found
