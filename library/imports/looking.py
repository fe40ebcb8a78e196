"""A first look at what somebody wants to import: its first rows, and what they could be."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.core.cache import cache

from corpus.conversations import last_asked
from corpus.errors import EmptyFileError
from corpus.hashing import sha256_of
from corpus.importers.files.hub import HubDataset
from corpus.importers.files.rows import RawRow
from corpus.importers.groups import expand
from corpus.importers.mapping import columns_of, distinct_values
from corpus.importers.records import GroupRecord, PairRecord, Record
from corpus.importers.registry import ROWS_LOOKED_AT, Format, recognised
from corpus.importers.sinks import SingleRecord
from corpus.imports.opening import Source, hub_source, upload_source
from corpus.imports.stored_parts import StoredParts
from corpus.imports.storing import Making
from corpus.imports.uploads import COPIED_BYTES
from corpus.models import Import, Project, Upload

ROWS = 2_000
HUB_ROWS = 200
SECONDS = 0.8
"""A page does not wait longer for rows; it shows those that it has."""

CHARACTERS = 20_000_000
HUB_ROWS_KEPT_SECONDS = 600
HASHED_BYTES = 64 * 2**20
"""Up to this size a file is compared with earlier ones before its import; later, when its import
has begun."""

SHOWN_CHARACTERS = 20_000
SAMPLED_COLUMNS = 60


@dataclass(frozen=True, slots=True)
class Head(Source):
    """The first rows of a source, as a source of its own. `whole` says that there are no more."""

    taken: list[RawRow] = field(default_factory=list)
    whole: bool = True

    def rows(self) -> Iterator[RawRow]:
        return iter(self.taken)

    @property
    def objects(self) -> list[Mapping[str, Any]]:
        return [row.fields for row in self.taken if row.fields is not None]

    @property
    def columns(self) -> list[str]:
        return columns_of(self.objects[:ROWS_LOOKED_AT])

    def samples(self) -> list[tuple[str, str]]:
        """Each column with its first value that is not empty, cut where it is long."""
        found = []
        for column in self.columns[:SAMPLED_COLUMNS]:
            values = distinct_values(self.objects[:ROWS_LOOKED_AT], column, most=1).values()
            found.append((column, next(iter(values), "")))
        return found

    def candidates(self) -> list[Format]:
        """The formats that it may be in: none, one, or several."""
        return recognised(self.objects[:ROWS_LOOKED_AT])


def head_of(source: Source, most: int = ROWS) -> Head:
    """The first rows, as many as can be had in a moment, and one at least. ImportFileError."""
    taken: list[RawRow] = []
    characters, began, whole = 0, time.monotonic(), True
    for row in source.rows():
        if taken and (
            len(taken) >= most
            or characters > CHARACTERS
            or (len(taken) % 20 == 0 and time.monotonic() - began > SECONDS)
        ):
            whole = False
            break
        taken.append(row)
        characters += len(str(row.fields))
    if not taken:
        raise EmptyFileError(f"{source.name} is empty.")
    return Head(source.name, hub=source.hub, upload=source.upload, taken=taken, whole=whole)


def head_of_upload(upload: Upload) -> Head:
    return head_of(upload_source(upload))


def known_head(dataset: HubDataset) -> Head | None:
    """The first rows of a hub's dataset, where they were fetched a moment ago."""
    found = cache.get(_key(dataset))
    return found if isinstance(found, Head) else None


def head_of_dataset(dataset: HubDataset) -> Head:
    """The first rows of a hub's dataset, which may take a while. ImportFileError."""
    found = known_head(dataset)
    if found is None:
        found = head_of(hub_source(dataset), HUB_ROWS)
        cache.set(_key(dataset), found, HUB_ROWS_KEPT_SECONDS)
    return found


def _key(dataset: HubDataset) -> str:
    return f"hub-head-{sha256_of(dataset.model_dump())}"


class Shown(NamedTuple):
    """A record as raters see it: a pair, or one answer, with what was said of it."""

    turns: list[dict[str, Any]]
    left: str
    right: str | None
    said: list[str]
    cut: bool

    @property
    def title(self) -> str:
        return " ".join(last_asked(self.turns)[:400].split())


CHOICES = {"a": "A", "b": "B", "equal": "equal", "both_bad": "both bad"}


def shown(records: list[Record], making: Making, most: int) -> list[Shown]:
    """The first pairs and single answers that these records make."""
    found: list[Shown] = []
    for record in records:
        if isinstance(record, GroupRecord):
            made = expand(record, making.policy, making.most)
            found += [_pair(pair) for pair in made.pairs]
            found += [_single(one) for one in made.singles]
        elif isinstance(record, PairRecord):
            found.append(_pair(record))
        else:
            found.append(_single(record))
        if len(found) >= most:
            break
    return found[:most]


def _pair(record: PairRecord) -> Shown:
    said = [
        f"{one.rater}: {CHOICES[one.choice]}" if one.choice else f"{one.rater}: P(A) {one.p_a:.2f}"
        for one in record.labels
        if one.choice or one.p_a is not None
    ]
    if record.gold:
        said.insert(0, f"gold: {CHOICES[record.gold]}")
    texts = (record.response_a, record.response_b)
    return Shown(_turns(record), _cut(texts[0]), _cut(texts[1]), said, _is_cut(record, *texts))


def _single(record: SingleRecord) -> Shown:
    said = []
    for one in getattr(record, "labels", ()):
        if hasattr(one, "good"):
            said.append(f"{one.rater}: {'good' if one.good else 'bad'}")
        else:
            marks = " ".join("?" if value is None else f"{value:+d}" for value in one.values)
            said.append(f"{one.rater}: {marks}")
    text = record.completion
    return Shown(_turns(record), _cut(text), None, said, _is_cut(record, text))


def _turns(record: PairRecord | SingleRecord) -> list[dict[str, Any]]:
    return [{**turn.as_message(), "content": _cut(turn.content)} for turn in record.prompt]


def _cut(text: str) -> str:
    return text[:SHOWN_CHARACTERS]


def _is_cut(record: PairRecord | SingleRecord, *texts: str) -> bool:
    whole = [*texts, *(turn.content for turn in record.prompt)]
    return any(len(text) > SHOWN_CHARACTERS for text in whole)


def imported_before(project: Project, sha256: str, besides: int | None = None) -> list[Import]:
    """The imports of the very same file that stand, the newest first."""
    if not sha256:
        return []
    found = Import.objects.filter(
        project=project, file_sha256=sha256, taken_back_at=None, lines_done__gt=0
    )
    return list(found.exclude(pk=besides)[:5] if besides else found[:5])


def hash_small(upload: Upload) -> str:
    """The file's SHA-256, where it is known or found in a moment; else empty."""
    if not upload.sha256 and upload.size <= HASHED_BYTES:
        digest = hashlib.sha256()
        with StoredParts(upload) as file:
            while block := file.read(COPIED_BYTES):
                digest.update(block)
        upload.sha256 = digest.hexdigest()
        upload.save(update_fields=["sha256"])
    return upload.sha256
