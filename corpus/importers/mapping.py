"""Column mapping: which column of somebody's table is what to us, and what its values mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from corpus.errors import MappingError
from corpus.importers.reading import (
    Row,
    RowError,
    answer,
    chosen_is_a,
    conversation,
    number,
    rest,
    short,
)
from corpus.importers.records import (
    CompletionRecord,
    DemonstrationRecord,
    LabelRecord,
    PairRecord,
    Record,
    ThumbRecord,
    describe,
)
from corpus.importers.turns import Turn

Field = Literal[
    "prompt",
    "system",
    "response_a",
    "response_b",
    "chosen",
    "rejected",
    "completion",
    "choice",
    "thumb",
    "score_a",
    "score_b",
    "gold",
    "rater",
    "kind",
    "strength",
    "comment",
    "created_at",
    "seconds",
    "model_a",
    "model_b",
    "model",
    "id",
    "domain",
    "difficulty",
    "source",
    "language",
    "reference",
]

TITLES: dict[Field, str] = {
    "prompt": "Prompt (text or messages)",
    "system": "System message",
    "response_a": "Response A",
    "response_b": "Response B",
    "chosen": "Better response",
    "rejected": "Worse response",
    "completion": "Single response",
    "choice": "Which response is better",
    "thumb": "Thumb up or down (single response)",
    "score_a": "Score of response A",
    "score_b": "Score of response B",
    "gold": "Gold answer",
    "rater": "Rater",
    "kind": "Kind of rater (human or judge)",
    "strength": "Strength (1 to 3)",
    "comment": "Comment",
    "created_at": "Time of the label",
    "seconds": "Seconds the label took",
    "model_a": "Model of response A (or the better one)",
    "model_b": "Model of response B (or the worse one)",
    "model": "Model of the single response",
    "id": "ID",
    "domain": "Domain",
    "difficulty": "Difficulty",
    "source": "Source",
    "language": "Language",
    "reference": "Reference answer",
}
"""The fields, as the menus name them, in their order there."""

RATER = "imported"
"""Who labelled, where no column says."""

CHOICES: dict[str, str] = {
    **dict.fromkeys(
        ("a", "1", "first", "left", "response_a", "response a", "model_a", "answer 1", "output_1"),
        "a",
    ),
    **dict.fromkeys(
        (
            "b",
            "2",
            "second",
            "right",
            "response_b",
            "response b",
            "model_b",
            "answer 2",
            "output_2",
        ),
        "b",
    ),
    **dict.fromkeys(
        ("equal", "tie", "same", "draw", "both good", "both_good", "no preference"), "equal"
    ),
    **dict.fromkeys(
        ("both_bad", "both bad", "neither", "none", "tie (bothbad)", "bothbad", "bad"), "both_bad"
    ),
}
"""What people write for a choice, in lower case. "0" is not among them: it may mean either."""

THUMBS: dict[str, bool] = {
    **dict.fromkeys(("true", "1", "yes", "up", "good", "desirable", "thumbs up", "positive"), True),
    **dict.fromkeys(
        ("false", "0", "-1", "no", "down", "bad", "undesirable", "thumbs down", "negative"), False
    ),
}

NAMES: dict[Field, tuple[str, ...]] = {
    "prompt": (
        "prompt",
        "question",
        "instruction",
        "input",
        "query",
        "messages",
        "context",
        "request",
    ),
    "system": ("system", "systemprompt", "systemmessage"),
    "response_a": (
        *("responsea", "response1", "answera", "answer1", "outputa", "output1", "completiona"),
        *("completion1", "a", "left", "texta", "text1", "candidatea", "candidate1", "reply1"),
    ),
    "response_b": (
        *("responseb", "response2", "answerb", "answer2", "outputb", "output2", "completionb"),
        *("completion2", "b", "right", "textb", "text2", "candidateb", "candidate2", "reply2"),
    ),
    "chosen": ("chosen", "preferred", "accepted", "winner_response", "betterresponse", "good"),
    "rejected": ("rejected", "dispreferred", "loser_response", "worseresponse", "bad"),
    "completion": ("completion", "response", "answer", "output", "reply", "text"),
    "choice": ("choice", "preference", "winner", "better", "best", "label", "vote", "verdict"),
    "thumb": ("thumb", "thumbs", "rating", "feedback", "liked"),
    "score_a": ("scorea", "score1", "ratinga", "rating1"),
    "score_b": ("scoreb", "score2", "ratingb", "rating2"),
    "gold": ("gold", "goldanswer", "groundtruth", "truth"),
    "rater": (
        "rater",
        "annotator",
        "worker",
        "workerid",
        "labeler",
        "labeller",
        "who",
        "judge",
        "user",
    ),
    "strength": ("strength", "confidence"),
    "comment": ("comment", "why", "reason", "rationale", "note", "notes", "explanation"),
    "created_at": ("createdat", "timestamp", "time", "date"),
    "seconds": ("seconds", "leadtime", "duration"),
    "model_a": ("modela", "model1", "generator1"),
    "model_b": ("modelb", "model2", "generator2"),
    "model": ("model", "generator"),
    "id": ("id", "promptid", "questionid", "recordid"),
    "domain": ("domain", "category", "topic", "subset"),
    "difficulty": ("difficulty", "level"),
    "source": ("source", "dataset"),
    "language": ("language", "lang"),
    "reference": ("reference", "referenceanswer", "target"),
}
"""How columns are usually named, without case, blanks and marks, the likeliest first."""

NEEDED = (
    ("response_a", "response_b"),
    ("chosen", "rejected"),
    ("completion",),
)
"""Any of these, beside the prompt, makes a record."""


class ColumnMap(BaseModel):
    """A mapping that can be used: it names a prompt, and answers.

    `values` says what a value of the columns choice, gold and thumb means, before what we take it
    for ourselves; its keys are without regard to case.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: dict[Field, str]
    values: dict[str, Literal["a", "b", "equal", "both_bad", "up", "down"]] = {}

    @field_validator("values")
    @classmethod
    def _without_case(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {value_key(name): value for name, value in values.items()}

    @model_validator(mode="after")
    def _makes_records(self) -> ColumnMap:
        if "prompt" not in self.columns:
            raise ValueError("prompt: say which column holds it")
        if not any(all(name in self.columns for name in names) for names in NEEDED):
            raise ValueError(
                "say which columns hold response_a and response_b, or chosen and rejected, or "
                "completion"
            )
        return self


def read_mapping(columns: Mapping[str, str], values: Mapping[str, str]) -> ColumnMap:
    """A mapping from outside. MappingError, which names what is wrong."""
    if unknown := sorted(set(columns) - set(TITLES)):
        raise MappingError(f"Unknown field {unknown[0]!r}; the fields are {', '.join(TITLES)}.")
    try:
        return ColumnMap.model_validate({"columns": dict(columns), "values": dict(values)})
    except ValidationError as error:
        raise MappingError(f"The column mapping cannot be used: {describe(error)}.") from error


def guess(columns: Iterable[str]) -> dict[Field, str]:
    """The likely mapping of a table with these columns, which may lack what is needed."""
    plain: dict[str, str] = {}
    for column in columns:
        plain.setdefault(re.sub(r"[^a-z0-9]", "", column.lower()), column)
    found: dict[Field, str] = {}
    taken: set[str] = set()
    for field in TITLES:
        for name in NAMES.get(field, ()):
            if name in plain and plain[name] not in taken:
                found[field] = plain[name]
                taken.add(plain[name])
                break
    if "response_a" in found and "response_b" in found:
        # One that is paired is not also the single response, whatever it is called.
        for field in ("completion", "thumb", "model"):
            found.pop(field, None)
    return found


def columns_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The columns of a file's first rows; fields of an inner object as `outer.inner`."""
    names: dict[str, None] = {}
    for row in rows:
        for name, value in row.items():
            names[name] = None
            if isinstance(value, Mapping):
                names.update((f"{name}.{inner}", None) for inner in value)
    return list(names)


def distinct_values(rows: Iterable[Mapping[str, Any]], column: str, *, most: int) -> dict[str, str]:
    """The different values of a column in these rows, `most` of them: each as it is written, by
    its key in a mapping."""
    found: dict[str, str] = {}
    for row in rows:
        value = _value(row, column)
        if value is None or value == "" or isinstance(value, Mapping | list):
            continue
        found.setdefault(value_key(value), short(value, 60))
        if len(found) >= most:
            break
    return found


class _Sides(NamedTuple):
    a: str
    b: str
    models: tuple[str | None, str | None]
    choice: str | None


class MappedFormat:
    """A table read through a mapping, as a format."""

    NAME = "mapping"
    TITLE = "Column mapping"

    def __init__(self, mapping: ColumnMap) -> None:
        self.mapping = mapping

    def recognises(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """1 where every needed column is there."""
        there = set(columns_of(rows))
        return int(set(self.mapping.columns.values()) <= there)

    def parse(self, row: Row) -> list[Record]:
        """The record of a row."""
        columns = self.mapping.columns
        missing = sorted({name for name in columns.values() if not _has(row.fields, name)})
        if missing and row.fields.keys().isdisjoint(columns.values()):
            raise RowError(f"there is no column {missing[0]!r}")
        known = self._known(row)
        if "completion" in columns and "response_a" not in columns and "chosen" not in columns:
            return [self._single(row, known)]
        sides = self._sides(row)
        label = self._label(row, sides)
        gold = self._of(row, "gold")
        return [
            PairRecord(
                **known,
                response_a=sides.a,
                response_b=sides.b,
                model_a=sides.models[0],
                model_b=sides.models[1],
                gold=None if gold in (None, "") else self._choice(gold, "gold"),  # type: ignore[arg-type]
                labels=(label,) if label else (),
            )
        ]

    def _of(self, row: Row, field: Field) -> Any:
        column = self.mapping.columns.get(field)
        return None if column is None else _value(row.fields, column)

    def _text(self, row: Row, field: Field) -> str:
        value = self._of(row, field)
        if value is None:
            # An empty cell is an empty answer: a model may say nothing.
            return ""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        return answer(value, self.mapping.columns[field])

    def _known(self, row: Row) -> dict[str, Any]:
        prompt = self._of(row, "prompt")
        if prompt is None or prompt == "":
            raise RowError("the prompt is empty")
        turns: tuple[Turn, ...]
        if isinstance(prompt, str):
            turns = (Turn(role="user", content=prompt),)
        else:
            turns = conversation(prompt, self.mapping.columns["prompt"])
        if system := self._of(row, "system"):
            turns = (Turn(role="system", content=str(system)), *turns)
        limits = {"domain": 100, "difficulty": 50, "language": 35}
        described = {
            name: short(self._of(row, name), limits.get(name, 200))
            for name in ("id", "domain", "difficulty", "language")
        }
        used = {column.split(".")[0] for column in self.mapping.columns.values()}
        return {
            "prompt": turns,
            **described,
            "source": short(self._of(row, "source")) or row.source,
            "reference": str(self._of(row, "reference") or ""),
            "metadata": rest(row.fields, used),
        }

    def _sides(self, row: Row) -> _Sides:
        models = (
            short(self._of(row, "model_a")) or None,
            short(self._of(row, "model_b")) or None,
        )
        if "chosen" not in self.mapping.columns:
            return _Sides(
                self._text(row, "response_a"), self._text(row, "response_b"), models, None
            )
        chosen, rejected = self._text(row, "chosen"), self._text(row, "rejected")
        if chosen_is_a(chosen, rejected):
            return _Sides(chosen, rejected, models, "a")
        return _Sides(rejected, chosen, models[::-1], "b")

    def _label(self, row: Row, sides: _Sides) -> LabelRecord | None:
        said = self._of(row, "choice")
        choice = sides.choice
        scores = (number(self._of(row, "score_a")), number(self._of(row, "score_b")))
        margin = None
        if said not in (None, ""):
            choice = self._choice(said, "choice")
        elif choice is None and None not in scores:
            first, second = scores[0] or 0.0, scores[1] or 0.0
            choice = "equal" if first == second else ("a" if first > second else "b")
            margin = abs(first - second)
        if choice is None:
            return None
        strength, seconds = number(self._of(row, "strength")), number(self._of(row, "seconds"))
        return LabelRecord(
            **self._rater(row),
            choice=choice,  # type: ignore[arg-type]
            margin=margin,
            strength=int(strength) if strength in (1, 2, 3) else None,
            seconds=seconds,
        )

    def _rater(self, row: Row) -> dict[str, Any]:
        kind = short(self._of(row, "kind")).strip().lower()
        return {
            "rater": short(self._of(row, "rater")).strip() or RATER,
            "kind": "judge" if kind in ("judge", "ai", "model", "llm") else "human",
            "comment": str(self._of(row, "comment") or ""),
            "created_at": self._of(row, "created_at"),
        }

    def _single(self, row: Row, known: dict[str, Any]) -> Record:
        text = self._text(row, "completion")
        model = short(self._of(row, "model")) or None
        if "thumb" not in self.mapping.columns:
            return DemonstrationRecord(**known, completion=text, model=model)
        said = self._of(row, "thumb")
        labels: tuple[ThumbRecord, ...] = ()
        if said not in (None, ""):
            labels = (ThumbRecord(**self._rater(row), good=self._thumb(said)),)
        return CompletionRecord(**known, completion=text, model=model, labels=labels)

    def _choice(self, value: Any, field: str) -> str:
        found = self.mapping.values.get(value_key(value)) or CHOICES.get(value_key(value))
        if found is None or found in ("up", "down"):
            raise RowError(
                f"{field}: {short(value, 60)!r} is no known choice; say what it means "
                "(A, B, equal or both bad)"
            )
        return found

    def _thumb(self, value: Any) -> bool:
        found = self.mapping.values.get(value_key(value))
        if found is not None:
            return found in ("up", "a")
        if (known := THUMBS.get(value_key(value))) is None:
            raise RowError(f"thumb: {short(value, 60)!r} is neither up nor down; say what it means")
        return known


def value_key(value: Any) -> str:
    """A value as mappings know it: without regard to case, and 1.0 as 1."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip().lower()


def _has(fields: Mapping[str, Any], column: str) -> bool:
    if column in fields:
        return True
    outer, _, inner = column.partition(".")
    return isinstance(fields.get(outer), Mapping) and inner in fields[outer]


def _value(fields: Mapping[str, Any], column: str) -> Any:
    """A column's value; `outer.inner` is a field of an inner object."""
    if column in fields:
        return fields[column]
    outer, _, inner = column.partition(".")
    holder = fields.get(outer)
    return holder.get(inner) if isinstance(holder, Mapping) else None
