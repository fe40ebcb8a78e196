"""Finding pairs by words: full text on PostgreSQL, containment elsewhere.

A pair is found when each word stands somewhere in its prompt, in one of its two completions, in
what a file said beyond our own fields, or in its external id. Only texts are looked at: neither
roles nor the names of fields.

On PostgreSQL a word finds whatever begins with it, in the words of a pair (`PairWords`), which
upkeep makes within a minute or so; of pairs that are newer, the first NEW_SEARCHED are read where
they stand. Elsewhere a word finds whatever contains it.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db import connection
from django.db.models import Exists, F, Func, Max, OuterRef, Q, TextField
from django.db.models.lookups import IContains, IRegex

from corpus.models.pair_words import PairWords
from corpus.models.texts import Pair
from corpus.storable import HALF_PAIR

MOST_WORDS = 8
WORD_CHARACTERS = 64

SEARCHED_CHARACTERS = 40_000
"""Of each text, from its beginning: PostgreSQL holds a megabyte of a pair's words, no more."""

NEW_SEARCHED = 200
PAIRS_AT_ONCE = 1_000

SPLIT = "<>&/.-_@:=?~+#;\\"
"""What PostgreSQL would take for part of a word: an address, a tag, a path. A space in its place
leaves words alone, in the text as in what is looked for."""


def _lines(json: str) -> str:
    """SQL: the texts of a JSON value, in which line breaks and tabs are spaces."""
    return rf"replace(replace(replace(({json})::text, '\n', ' '), '\t', ' '), '\r', ' ')"


def _values(column: str) -> str:
    """SQL: the texts and numbers anywhere in an object, without the names of its fields."""
    return _lines(
        f"jsonb_path_query_array({column}, "
        """'$.** ? (@.type() == "string" || @.type() == "number")')"""
    )


DOCUMENT = {
    "messages": ("prompt__messages", _lines("jsonb_path_query_array({}, '$[*].content')")),
    "asked": ("prompt__metadata", _values("{}")),
    "first": ("first__text", "{}"),
    "first_more": ("first__metadata", _values("{}")),
    "second": ("second__text", "{}"),
    "second_more": ("second__metadata", _values("{}")),
    "external_id": ("external_id", "{}"),
    "more": ("metadata", _values("{}")),
}
"""Where a pair's words stand: the column, and the SQL of its text on PostgreSQL."""

DOCUMENT_SQL = "to_tsvector('pg_catalog.simple'::regconfig, translate({}, '{}', '{}'))".format(
    " || ' ' || ".join(
        f"left({sql.format('{' + name + '}')}, {SEARCHED_CHARACTERS})"
        for name, (_, sql) in DOCUMENT.items()
    ),
    SPLIT,
    " " * len(SPLIT),
)

MESSAGES_SQLITE = (
    "(SELECT group_concat(json_extract(value, '$.content'), ' ') FROM json_each({messages}))"
)
METADATA_SQLITE = "(SELECT group_concat(atom, ' ') FROM json_tree({metadata}))"


class _Sql(Func):
    """An SQL expression over columns, which stand in it by name."""

    def __init__(self, sql: str, output_field: Any, **columns: str) -> None:
        super().__init__(*(F(column) for column in columns.values()), output_field=output_field)
        self.sql = sql
        self.names = tuple(columns)

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **__: Any) -> tuple[str, Any]:
        columns = [compiler.compile(one)[0] for one in self.get_source_expressions()]
        return self.sql.format(**dict(zip(self.names, columns, strict=True))), []


def _document() -> _Sql:
    columns = {name: column for name, (column, _) in DOCUMENT.items()}
    return _Sql(DOCUMENT_SQL, SearchVectorField(), **columns)


def index_words(*, seconds: float = 20.0) -> int:
    """Make the words of pairs that have none yet, for so long at most; how many. May be run twice
    at once. Nothing to do but on PostgreSQL."""
    if connection.vendor != "postgresql":
        return 0
    until = time.monotonic() + seconds
    made = 0
    while time.monotonic() < until:
        there = PairWords.objects.filter(pair=OuterRef("pk"))
        waiting = Pair.objects.filter(~Exists(there)).order_by("pk")
        ids = list(waiting.values_list("pk", flat=True)[:PAIRS_AT_ONCE])
        if not ids:
            break
        found = Pair.objects.filter(pk__in=ids).order_by().annotate(words=_document())
        rows, params = found.values("pk", "words").query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {PairWords._meta.db_table} (pair_id, words) {rows} "
                "ON CONFLICT DO NOTHING",
                params,
            )
        made += len(ids)
    return made


def not_found_yet() -> int:
    """How many of the newest pairs no search finds yet, counted up to a million."""
    if connection.vendor != "postgresql":
        return 0
    new = Pair.objects.filter(pk__gt=_newest_indexed()).values("pk")[:1_000_000].count()
    return max(0, new - NEW_SEARCHED)


def _newest_indexed() -> int:
    return PairWords.objects.aggregate(newest=Max("pair_id"))["newest"] or 0


@dataclass(frozen=True, slots=True)
class Words:
    """What a query asks for: `used` is looked for, `left_out` was too much, or is no word."""

    used: tuple[str, ...]
    left_out: int = 0


def words_of(query: str) -> Words:
    """The words of what somebody typed, each once: those with a letter or digit in them, cut to
    WORD_CHARACTERS, the first MOST_WORDS. Whatever is typed, no error comes of it."""
    typed = HALF_PAIR.sub(" ", query.replace("\0", " ")).split()
    found = dict.fromkeys(
        word[:WORD_CHARACTERS].lower()
        for word in map(_bare, typed)
        if any(letter.isalnum() for letter in word[:WORD_CHARACTERS])
    )
    used = tuple(found)[:MOST_WORDS]
    return Words(used, len(typed) - len(used))


def _bare(word: str) -> str:
    """Without the signs around it: quotes, brackets, a full stop."""
    ends = [place for place, letter in enumerate(word) if letter.isalnum()]
    return word[ends[0] : ends[-1] + 1] if ends else ""


def with_words(words: Words) -> Q:
    """Of pairs: those in which every word stands; all where there is none."""
    if connection.vendor == "postgresql":
        return _on_postgresql(words)
    wanted = Q()
    for word in words.used:
        wanted &= _elsewhere(word)
    return wanted


def _on_postgresql(words: Words) -> Q:
    if not words.used:
        return Q()
    query = SearchQuery(" & ".join(map(_term, words.used)), search_type="raw", config="simple")
    known = PairWords.objects.filter(words=query).values("pair_id")
    newest = _newest_indexed()
    fresh = Pair.objects.filter(pk__gt=newest).order_by("pk").values("pk")[:NEW_SEARCHED]
    new = Pair.objects.alias(words=_document()).filter(pk__in=fresh, words=query).values("pk")
    return Q(pk__in=known) | Q(pk__in=new)


def _term(word: str) -> str:
    """A word for to_tsquery: its parts one after the other, the last at least begun."""
    parts = word.translate(dict.fromkeys(map(ord, SPLIT), " ")).split()
    quoted = ["'" + part.replace("'", "''") + "'" for part in parts]
    return f"({' <-> '.join(quoted)}:*)"


def _elsewhere(word: str) -> Q:
    # LIKE knows only the cases of ASCII.
    lookup = "icontains" if word.isascii() else "iregex"
    wanted = word if word.isascii() else re.escape(word)
    text = TextField()
    messages = _Sql(MESSAGES_SQLITE, text, messages="prompt__messages")
    metadata = [
        _Sql(METADATA_SQLITE, text, metadata=column)
        for column in ("metadata", "prompt__metadata", "first__metadata", "second__metadata")
    ]
    found = Q()
    for column in ("first__text", "second__text", "external_id"):
        found |= Q(**{f"{column}__{lookup}": wanted})
    matches = IContains if word.isascii() else IRegex
    for expression in (messages, *metadata):
        found |= Q(matches(expression, wanted))
    return found
