"""Which formats there are, how a file's format is found by looking, and the stream of its lines.

A new format: a module in `formats/` with NAME, TITLE, `recognises` and `parse`, and its row in
FORMATS.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

from pydantic import ValidationError

from corpus.errors import AmbiguousFormatError, EmptyFileError, UnknownFormatError
from corpus.importers.files.rows import RawRow
from corpus.importers.formats import (
    alpaca_eval,
    arena,
    argilla,
    axolotl_chat_dpo,
    helpsteer2,
    helpsteer2_preference,
    helpsteer3,
    hh_rlhf,
    label_studio,
    llamafactory_alpaca_dpo,
    llamafactory_kto,
    llamafactory_sharegpt_dpo,
    math_shepherd,
    messages_sft,
    mt_bench,
    nectar,
    openrlhf_preference,
    pairs_jsonl,
    pku_saferlhf,
    prm800k,
    prompt_completion,
    rankings,
    rewardbench,
    shp,
    summarize_from_feedback,
    trl_preference,
    trl_stepwise,
    trl_unpaired,
    ultrafeedback,
    ultrafeedback_binarized,
)
from corpus.importers.reading import Row, RowError
from corpus.importers.records import ParsedLine, Record, describe, printable

ROWS_LOOKED_AT = 20


class Format(Protocol):
    """What a module of `formats/` has.

    NAME is for the command line, TITLE for pages. `recognises` says of a file's first rows how
    sure it is: 0 not mine, 1 the shape fits, 2 bears marks that no other format has. `parse` gives
    the records of a row, and raises RowError or ValidationError where it holds none.

    A format may also have `belongs(before, after)`, which says of the fields of two neighboring
    rows whether they are one record's, and `parse_rows(rows)`, which gets such rows together.
    """

    NAME: str
    TITLE: str

    def recognises(self, rows: Sequence[Mapping[str, Any]]) -> int: ...

    def parse(self, row: Row) -> list[Record]: ...


FORMATS: dict[str, Format] = {
    module.NAME: module
    for module in (
        alpaca_eval,
        arena,
        argilla,
        axolotl_chat_dpo,
        helpsteer2,
        helpsteer2_preference,
        helpsteer3,
        hh_rlhf,
        label_studio,
        llamafactory_alpaca_dpo,
        llamafactory_kto,
        llamafactory_sharegpt_dpo,
        math_shepherd,
        messages_sft,
        mt_bench,
        nectar,
        openrlhf_preference,
        pairs_jsonl,
        pku_saferlhf,
        prm800k,
        prompt_completion,
        rankings,
        rewardbench,
        shp,
        summarize_from_feedback,
        trl_preference,
        trl_stepwise,
        trl_unpaired,
        ultrafeedback,
        ultrafeedback_binarized,
    )
}


def format_named(name: str) -> Format:
    """The format of that name. UnknownFormatError, which lists the known ones."""
    if name not in FORMATS:
        raise UnknownFormatError(f"Unknown format {name!r}; choose from {', '.join(FORMATS)}.")
    return FORMATS[name]


def recognised(rows: Sequence[Mapping[str, Any]]) -> list[Format]:
    """The formats that are surest that the rows are theirs; none, one, or several."""
    sure = {name: one.recognises(rows) for name, one in FORMATS.items()}
    most = max(sure.values(), default=0)
    return [FORMATS[name] for name, level in sure.items() if most and level == most]


def detect_format(rows: Iterable[RawRow], name: str) -> Format:
    """The format of the file `name`, by its first rows.

    Raises EmptyFileError, UnknownFormatError, AmbiguousFormatError.
    """
    looked_at = list(islice(rows, ROWS_LOOKED_AT))
    if not looked_at:
        raise EmptyFileError(f"{name} is empty.")
    objects = [row.fields for row in looked_at if row.fields is not None]
    found = recognised(objects)
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(one.NAME for one in found)
        raise AmbiguousFormatError(
            f"{name} could be in several formats: {names}. Say which with --format."
        )
    columns = ", ".join(dict.fromkeys(key for row in objects for key in row)) or "none"
    raise UnknownFormatError(
        f"{name} is in an unknown format (known: {', '.join(FORMATS)}). Its fields: "
        f"{printable(columns)}. Say which is what with --map FIELD=COLUMN."
    )


def parse_rows(rows: Iterable[RawRow], one: Format, source: str) -> Iterator[ParsedLine]:
    """Every row, parsed, in constant memory; rows that belong together are one line."""
    belongs = getattr(one, "belongs", None)
    if belongs is None:
        for row in rows:
            yield _parsed([row], one, source)
        return
    waiting: list[RawRow] = []
    for row in rows:
        before = waiting[-1].fields if waiting else None
        if before is None or row.fields is None or not belongs(before, row.fields):
            if waiting:
                yield _parsed(waiting, one, source)
            waiting = []
        waiting.append(row)
    if waiting:
        yield _parsed(waiting, one, source)


def _parsed(rows: Sequence[RawRow], one: Format, source: str) -> ParsedLine:
    first, last = rows[0].number, rows[-1].number
    records: tuple[Record, ...] = ()
    reason = rows[0].reason
    if rows[0].fields is not None:
        given = [Row(row.number, row.fields or {}, source) for row in rows]
        parse_together = getattr(one, "parse_rows", None)
        try:
            records = tuple(parse_together(given) if parse_together else one.parse(given[0]))
        except ValidationError as error:
            reason = describe(error)
        except RowError as error:
            reason = printable(str(error))
        except RecursionError:
            reason = "nested too deeply"
    others = tuple(row.number for row in rows[1:])
    return ParsedLine(first, records, reason, rows=len(rows), last=last, others=others)
