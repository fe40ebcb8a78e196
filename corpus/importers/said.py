"""What raters said of two answers, in the forms in which data sets and annotation tools write it:
by name, on a scale with two ends, and by rating each answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from corpus.importers.mapping import CHOICES, NAMES
from corpus.importers.reading import RowError, number, short
from corpus.importers.records import ImportedChoice

Side = Literal["a", "b"]

OVERALL = ("overall", "preference", "comparison", "pref", *NAMES["choice"], "rating", "score")
"""Names of the question that asks for the whole, the likeliest first."""

NEITHER = -100
"""On NVIDIA's scale from -3 to 3: neither answer will do."""

_BETTER = re.compile(r"\s+(is\s+)?better$")


class Strong(NamedTuple):
    """A choice, and how strong it is: 1 to 3, or nothing."""

    choice: ImportedChoice
    strength: int | None


class Said(NamedTuple):
    """What one rater said: overall, on criteria, and the difference of their ratings if they gave
    no choice but ratings."""

    choice: ImportedChoice
    criteria: dict[str, ImportedChoice]
    margin: float | None


def named_choice(value: Any, names_a: Sequence[str], names_b: Sequence[str]) -> str | None:
    """The choice that a word means: the name of an answer, or one of the usual words ("left",
    "Tie", "Both bad", "Response B is better"); None where it is no known one."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    word = str(value).strip().lower()
    for names, side in ((names_a, "a"), (names_b, "b")):
        if word in (name.lower() for name in names):
            return side
    word = _BETTER.sub("", word)
    return CHOICES.get(word) or side_named(word)


def side_named(name: str) -> Side | None:
    """Which of two answers a name like "answer1", "Response B" or "left" is of."""
    bare = plain(name)
    if bare in NAMES["response_a"]:
        return "a"
    return "b" if bare in NAMES["response_b"] else None


def plain(name: str) -> str:
    """A name without case, blanks and marks."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def signed(value: Any, name: str) -> Strong:
    """A choice on a scale from -3 to 3: below 0 the first answer is better, above it the second,
    and the distance from 0 is the strength; -100 says that neither will do. RowError."""
    score = number(value)
    if score == NEITHER:
        return Strong("both_bad", None)
    if score is None or score not in range(-3, 4):
        raise RowError(f"{name}: must be a whole number from -3 to 3, got {short(value, 60)!r}")
    if score == 0:
        return Strong("equal", None)
    return Strong("a" if score < 0 else "b", int(abs(score)))


def overall_of(
    choices: Mapping[str, ImportedChoice], ratings: Mapping[str, tuple[float, float]]
) -> Said | None:
    """One rater's answers to several questions as one label: the question that asks for the whole
    is the choice (a choice before a rating, and where none bears such a name, the first choice or
    the mean of the ratings), and the others are criteria. None where nothing was said."""
    rated = {name: _better(first, second) for name, (first, second) in ratings.items()}
    if choices:
        main = likeliest(choices) or next(iter(choices))
        criteria = {**rated, **{name: said for name, said in choices.items() if name != main}}
        return Said(choices[main], criteria, None)
    if not ratings:
        return None
    main = likeliest(ratings) or (next(iter(ratings)) if len(ratings) == 1 else "")
    if main:
        first, second = ratings[main]
    else:
        first = sum(pair[0] for pair in ratings.values()) / len(ratings)
        second = sum(pair[1] for pair in ratings.values()) / len(ratings)
    criteria = {name: said for name, said in rated.items() if name != main}
    return Said(_better(first, second), criteria, abs(first - second))


def likeliest(names: Mapping[str, Any]) -> str | None:
    """The name that asks for the whole, if one does."""
    for word in OVERALL:
        for name in names:
            if plain(name) == word:
                return name
    return None


def _better(first: float, second: float) -> ImportedChoice:
    if first == second:
        return "equal"
    return "a" if first > second else "b"
