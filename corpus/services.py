"""Pairs go in: in batches, each one transaction, and never twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction

from corpus.hashing import completion_sha256, pair_sha256, prompt_sha256
from corpus.importers.records import PairRecord, ParsedLine
from corpus.importers.registry import choose_format, parse_file
from corpus.models import Completion, ModelVersion, Pair, Project, Prompt


@dataclass(frozen=True, slots=True)
class Answer:
    """One completion to be stored. `model` is a model version, or None when unknown."""

    text: str
    model: ModelVersion | None = None
    sampling: Mapping[str, Any] | None = None
    token_count: int | None = None
    finish_reason: str = ""


@dataclass(frozen=True, slots=True)
class NewPair:
    """Two completions of one prompt to be stored as a pair, `a` as its first."""

    prompt: Sequence[Mapping[str, str]]
    a: Answer
    b: Answer
    external_id: str = ""
    source: str = ""
    domain: str = ""
    difficulty: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class StoredPair:
    """Where a NewPair ended up. An older pair may have the two completions the other way round."""

    pair: Pair
    a_is_first: bool
    is_new: bool


@transaction.atomic
def write_pairs(
    *,
    project: Project,
    pairs: Sequence[NewPair],
    origin: Pair.Origin,
    batch: str = "",
    priority: int = 0,
) -> list[StoredPair]:
    """Store pairs with their prompts and completions; what is there already is found, not doubled.

    A fixed number of queries per call, however many pairs. The result is in the order given; of
    two equal pairs in one call, the first alone is new.
    """
    prompts = _ensure_prompts(project, pairs)
    hashes = [
        tuple(_completion_hash(prompt_sha256(pair.prompt), answer) for answer in (pair.a, pair.b))
        for pair in pairs
    ]
    completions = _ensure_completions(prompts, pairs, hashes)
    wanted: dict[str, Pair] = {}
    for pair, (hash_a, hash_b) in zip(pairs, hashes, strict=True):
        prompt = prompts[prompt_sha256(pair.prompt)]
        key = pair_sha256(hash_a, hash_b)
        wanted.setdefault(
            key,
            Pair(
                project=project,
                prompt=prompt,
                first=completions[hash_a],
                second=completions[hash_b],
                sha256=key,
                external_id=pair.external_id,
                origin=origin,
                batch=batch,
                priority=priority,
            ),
        )
    there = _pairs_by_hash(project, wanted)
    Pair.objects.bulk_create(
        [pair for key, pair in wanted.items() if key not in there], ignore_conflicts=True
    )
    stored = _pairs_by_hash(project, wanted)
    fresh = set(stored) - set(there)
    result = []
    for hash_a, hash_b in hashes:
        key = pair_sha256(hash_a, hash_b)
        row = stored[key]
        result.append(StoredPair(row, row.first_id == completions[hash_a].pk, key in fresh))
        fresh.discard(key)
    return result


def _completion_hash(prompt_hash: str, answer: Answer) -> str:
    name = answer.model.name if answer.model else None
    return completion_sha256(prompt_hash, answer.text, name, answer.sampling)


def _ensure_prompts(project: Project, pairs: Sequence[NewPair]) -> dict[str, Prompt]:
    wanted = {
        (key := prompt_sha256(pair.prompt)): Prompt(
            project=project,
            messages=list(pair.prompt),
            sha256=key,
            source=pair.source,
            domain=pair.domain,
            difficulty=pair.difficulty,
            language=pair.language,
        )
        for pair in reversed(pairs)
    }
    rows = Prompt.objects.filter(project=project, sha256__in=list(wanted))
    there = set(rows.values_list("sha256", flat=True))
    Prompt.objects.bulk_create(
        [prompt for key, prompt in reversed(wanted.items()) if key not in there],
        ignore_conflicts=True,
    )
    return {prompt.sha256: prompt for prompt in rows.all()}


def _ensure_completions(
    prompts: Mapping[str, Prompt], pairs: Sequence[NewPair], hashes: Sequence[tuple[str, ...]]
) -> dict[str, Completion]:
    wanted: dict[str, Completion] = {}
    for pair, keys in zip(pairs, hashes, strict=True):
        for answer, key in zip((pair.a, pair.b), keys, strict=True):
            wanted.setdefault(
                key,
                Completion(
                    prompt=prompts[prompt_sha256(pair.prompt)],
                    text=answer.text,
                    model_version=answer.model,
                    sampling=dict(answer.sampling) if answer.sampling is not None else None,
                    token_count=answer.token_count,
                    finish_reason=answer.finish_reason,
                    sha256=key,
                ),
            )
    rows = Completion.objects.filter(
        prompt__in=list(prompts.values()), sha256__in=list(wanted)
    ).only("sha256", "prompt_id")
    there = set(rows.values_list("sha256", flat=True))
    Completion.objects.bulk_create(
        [completion for key, completion in wanted.items() if key not in there],
        ignore_conflicts=True,
    )
    return {completion.sha256: completion for completion in rows.all()}


def _pairs_by_hash(project: Project, hashes: Iterable[str]) -> dict[str, Pair]:
    return {
        pair.sha256: pair for pair in Pair.objects.filter(project=project, sha256__in=list(hashes))
    }


@dataclass(frozen=True, slots=True)
class Rejected:
    line: int
    reason: str


@dataclass(slots=True)
class ImportReport:
    """What an import did. `rows` counts lines that are not blank."""

    rows: int = 0
    pairs_added: int = 0
    labels_added: int = 0
    duplicates: int = 0
    rejected: list[Rejected] = field(default_factory=list)


Sink = Callable[[Project, Sequence[PairRecord], Sequence[StoredPair]], int]
"""Takes a batch's records with their pairs, in the same transaction; answers the labels added."""


def import_file(
    *,
    slug: str,
    path: Path,
    format_name: str | None = None,
    sinks: Sequence[Sink] = (),
) -> ImportReport:
    """Import a file into the project `slug`, which is made when missing.

    Every batch is one transaction of its own: an import that is cut off has stored whole batches,
    and importing again adds the rest.

    Raises:
        ImportFileError: the file cannot be imported at all; nothing was stored.
    """
    one = choose_format(path, format_name)
    report = ImportReport()
    project: Project | None = None
    for batch in _batches(_counted(parse_file(path, one), report), settings.IMPORT_BATCH_PAIRS):
        with transaction.atomic():
            if project is None:
                project, _ = Project.objects.get_or_create(slug=slug, defaults={"name": slug})
            stored = write_pairs(
                project=project,
                pairs=new_pairs(project, batch),
                origin=Pair.Origin.IMPORT,
                batch=path.name[:100],
            )
            labels = sum(sink(project, batch, stored) for sink in sinks)
        added = sum(one.is_new for one in stored)
        report.pairs_added += added
        report.duplicates += len(stored) - added
        report.labels_added += labels
    return report


def _counted(lines: Iterable[ParsedLine], report: ImportReport) -> Iterator[PairRecord]:
    for line in lines:
        report.rows += 1
        if line.record is None:
            report.rejected.append(Rejected(line.line, line.reason))
        else:
            yield line.record


def new_pairs(project: Project, records: Sequence[PairRecord]) -> list[NewPair]:
    names = {name for one in records for name in (one.model_a, one.model_b) if name}
    models = _ensure_api_models(project, names)
    return [
        NewPair(
            prompt=[turn.model_dump() for turn in one.prompt],
            a=Answer(one.response_a, models.get(one.model_a or ""), one.sampling_a),
            b=Answer(one.response_b, models.get(one.model_b or ""), one.sampling_b),
            external_id=one.id,
            source=one.source,
            domain=one.domain,
            difficulty=one.difficulty,
            language=one.language,
        )
        for one in records
    ]


def _ensure_api_models(project: Project, names: set[str]) -> dict[str, ModelVersion]:
    """Models that a file names: known by their name alone."""
    if not names:
        return {}
    ModelVersion.objects.bulk_create(
        [ModelVersion(project=project, name=name, kind=ModelVersion.Kind.API) for name in names],
        ignore_conflicts=True,
    )
    return {
        model.name: model for model in ModelVersion.objects.filter(project=project, name__in=names)
    }


Item = TypeVar("Item")


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
