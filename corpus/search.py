"""Finding pairs by words: full text on PostgreSQL, containment elsewhere.

A pair is found when each word stands somewhere in its prompt, in one of its two completions, in
what a file said beyond our own fields, or in its external id. On PostgreSQL a word finds whatever
begins with it, by the indexes that migration 0003 makes of the very expressions below; elsewhere
it finds whatever contains it. Only texts are looked at: neither roles nor the names of fields.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db import connection
from django.db.models import F, Func, Q, TextField
from django.db.models.lookups import IContains, IRegex

from corpus.models.texts import Completion, Pair, Prompt
from corpus.storable import HALF_PAIR

MOST_WORDS = 8
WORD_CHARACTERS = 64

SEARCHED_CHARACTERS = 100_000
"""Of each text, from its beginning: what PostgreSQL can hold of a document has a limit, and a text
beyond it could not be stored at all."""

SPLIT = "<>&/.-_@:=?~+#;\\"
"""What PostgreSQL would take for part of a word: an address, a tag, a path. A space in its place
leaves words alone, in the text as in what is looked for."""


def _words(text: str) -> str:
    """SQL: the words of a text."""
    spaces = " " * len(SPLIT)
    return (
        f"to_tsvector('pg_catalog.simple'::regconfig, "
        f"translate(left({text}, {SEARCHED_CHARACTERS}), '{SPLIT}', '{spaces}'))"
    )


def _lines(json: str) -> str:
    """SQL: the texts of a JSON value, in which line breaks and tabs are spaces."""
    return rf"replace(replace(replace(({json})::text, '\n', ' '), '\t', ' '), '\r', ' ')"


def _values(column: str) -> str:
    """SQL: the texts and numbers anywhere in an object, without the names of its fields."""
    return _lines(
        f"jsonb_path_query_array({column}, "
        """'$.** ? (@.type() == "string" || @.type() == "number")')"""
    )


PROMPT_SQL = "{} || {}".format(
    _words(_lines("jsonb_path_query_array({messages}, '$[*].content')")),
    _words(_values("{metadata}")),
)
COMPLETION_SQL = f"{_words('{text}')} || {_words(_values('{metadata}'))}"
PAIR_SQL = f"{_words('{external_id}')} || {_words(_values('{metadata}'))}"

INDEXES = {
    "prompt_words": ("corpus_prompt", PROMPT_SQL),
    "completion_words": ("corpus_completion", COMPLETION_SQL),
    "pair_words": ("corpus_pair", PAIR_SQL),
}

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
    one = _on_postgresql if connection.vendor == "postgresql" else _elsewhere
    wanted = Q()
    for word in words.used:
        wanted &= one(word)
    return wanted


def _on_postgresql(word: str) -> Q:
    parts = word.translate(dict.fromkeys(map(ord, SPLIT), " ")).split()
    quoted = ["'" + part.replace("'", "''") + "'" for part in parts]
    query = SearchQuery(" <-> ".join(quoted) + ":*", search_type="raw", config="simple")
    vector = SearchVectorField()
    prompt = _Sql(PROMPT_SQL, vector, messages="messages", metadata="metadata")
    completion = _Sql(COMPLETION_SQL, vector, text="text", metadata="metadata")
    pair = _Sql(PAIR_SQL, vector, external_id="external_id", metadata="metadata")
    prompts = Prompt.objects.alias(words=prompt).filter(words=query).values("pk")
    completions = Completion.objects.alias(words=completion).filter(words=query).values("pk")
    own = Pair.objects.alias(words=pair).filter(words=query).values("pk")
    return (
        Q(prompt__in=prompts) | Q(first__in=completions) | Q(second__in=completions) | Q(pk__in=own)
    )


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
