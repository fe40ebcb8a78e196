"""Records go in: texts and pairs once, and all else through the sinks of the layers above.

One call is one transaction of the caller's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from corpus.importers.groups import expand
from corpus.importers.records import (
    DemonstrationRecord,
    GroupRecord,
    PairRecord,
    Record,
    StepsRecord,
)
from corpus.importers.sinks import Batch, SingleRecord, take_all, welcome_all
from corpus.intake.redaction import Redactor
from corpus.models import (
    Completion,
    Demonstration,
    Import,
    IntakePolicy,
    ModelVersion,
    Pair,
    PairPolicy,
    Project,
    PromptOriginal,
)
from corpus.writing import (
    Answer,
    CameFrom,
    NewCompletion,
    NewPair,
    PairHashes,
    StoredCompletion,
    StoredPair,
    hash_pair,
    write_completions,
    write_pairs,
)

AnyRecord = TypeVar("AnyRecord", bound=PairRecord | SingleRecord)


@dataclass(frozen=True, slots=True)
class Making:
    """How pairs are made where a record holds several answers."""

    policy: PairPolicy = PairPolicy.ALL
    most: int | None = None


@dataclass(slots=True)
class Sorted:
    """A batch's records by what is stored of them, each pair with its line."""

    pairs: list[tuple[PairRecord, int | None]] = field(default_factory=list)
    singles: list[SingleRecord] = field(default_factory=list)
    identical: int = 0


@dataclass(frozen=True, slots=True)
class _Original:
    """A prompt as it came, where anything was taken out of its record."""

    messages: list[dict[str, Any]]
    counts: Mapping[str, int]


def sort_out(records: Sequence[tuple[Record, int | None]], making: Making) -> Sorted:
    """Records, each with its line, as pairs and single answers."""
    found = Sorted()
    for record, line in records:
        if isinstance(record, PairRecord):
            found.pairs.append((record, line))
        elif isinstance(record, GroupRecord):
            made = expand(record, making.policy, making.most)
            found.pairs += [(pair, line) for pair in made.pairs]
            found.singles += made.singles
            found.identical += made.identical
        else:
            found.singles.append(record)
    return found


@dataclass(frozen=True, slots=True)
class Prepared:
    """Records ready to be stored: sorted out, redacted where the policy wants it, and hashed.

    `lines`, `prompts` (as they are stored) and `hashes` are the pairs'; the originals are by the
    place of their record.
    """

    pairs: Sequence[PairRecord]
    lines: Sequence[int | None]
    prompts: Sequence[list[dict[str, Any]]]
    hashes: Sequence[PairHashes]
    singles: Sequence[SingleRecord]
    pair_originals: Mapping[int, _Original]
    single_originals: Mapping[int, _Original]
    counts: Counter[str]


def prepare(
    records: Sequence[tuple[Record, int | None]], policy: IntakePolicy, making: Making
) -> Prepared:
    """All that can be done without the database, so that it may be done beside it."""
    found = sort_out(records, making)
    pairs = [record for record, _ in found.pairs]
    singles: Sequence[SingleRecord] = found.singles
    counts: Counter[str] = Counter(identical=found.identical)
    counts["empty_responses"] = empty_responses(pairs, singles)
    pair_originals: Mapping[int, _Original] = {}
    single_originals: Mapping[int, _Original] = {}
    if policy.redact_pii:
        pairs, pair_originals = _redacted(pairs)
        singles, single_originals = _redacted(singles)
    prompts = [record.messages() for record in pairs]
    return Prepared(
        pairs=pairs,
        lines=[line for _, line in found.pairs],
        prompts=prompts,
        hashes=[
            _hashes(prompt, record, policy) for prompt, record in zip(prompts, pairs, strict=True)
        ],
        singles=singles,
        pair_originals=pair_originals,
        single_originals=single_originals,
        counts=counts,
    )


def store_records(
    *,
    project: Project,
    records: Sequence[tuple[Record, int | None]],
    policy: IntakePolicy,
    batch: str = "",
) -> tuple[Counter[str], Batch]:
    """Prepare records, each with its line, and store them as `store_prepared` does."""
    return store_prepared(project=project, prepared=prepare(records, policy, Making()), batch=batch)


def store_prepared(
    *, project: Project, prepared: Prepared, source: Import | None = None, batch: str = ""
) -> tuple[Counter[str], Batch]:
    """Store records and what the layers above take from them.

    Returns the counts of an ImportReport, and where each record ended up. To be called within a
    transaction.
    """
    pairs, singles, counts = prepared.pairs, prepared.singles, Counter(prepared.counts)
    originals: dict[int, _Original] = {}
    came_from = CameFrom(source_import=source)
    models = _ensure_api_models(project, _model_names(pairs, singles))
    stored: list[StoredPair] = []
    if pairs:
        stored = write_pairs(
            project=project,
            pairs=[
                _new_pair(record, prompt, line, models)
                for record, prompt, line in zip(
                    pairs, prepared.prompts, prepared.lines, strict=True
                )
            ],
            origin=Pair.Origin.IMPORT,
            batch=batch[:100],
            hashes=prepared.hashes,
            came_from=came_from,
        )
        for place, original in prepared.pair_originals.items():
            originals.setdefault(stored[place].row.prompt_id, original)
    kept: list[StoredCompletion] = []
    if singles:
        kept = write_completions(
            project=project,
            completions=[_new_completion(record, models) for record in singles],
            came_from=came_from,
        )
        for place, original in prepared.single_originals.items():
            originals.setdefault(kept[place].prompt_id, original)
    _keep_originals(originals)
    welcome_all(project, stored)
    whole = Batch(
        project,
        source,
        list(zip(pairs, stored, strict=True)),
        list(zip(singles, kept, strict=True)),
    )
    added = take_all(whole)
    new_pairs_added = sum(one.is_new for one in stored)
    counts["pairs_added"] = new_pairs_added
    counts["duplicates"] = len(stored) - new_pairs_added
    counts["completions_added"] = sum(one.is_new for one in kept)
    counts["demonstrations_added"] = _keep_demonstrations(whole)
    counts["labels_added"] = added["labels"]
    counts["steps_added"] = added["steps"]
    return counts, whole


def met_imports(batch: Batch) -> Counter[str]:
    """What was there before this import, by the id of the import that it came with."""
    found = Counter(stored.row.source_import_id for _, stored in batch.pairs if not stored.is_new)
    there = [stored.pk for _, stored in batch.completions if not stored.is_new]
    found.update(Completion.objects.filter(pk__in=there).values_list("source_import_id", flat=True))
    return Counter(
        {str(pk): count for pk, count in found.items() if pk not in (None, batch.import_id)}
    )


def empty_responses(pairs: Sequence[PairRecord], singles: Sequence[SingleRecord]) -> int:
    """How many answers say nothing. They are data, and counted."""
    return sum((not one.response_a) + (not one.response_b) for one in pairs) + sum(
        not one.completion for one in singles
    )


def _redacted(
    records: Sequence[AnyRecord],
) -> tuple[list[AnyRecord], dict[int, _Original]]:
    """The records without personal data, and by their places the prompts as they came."""
    clean: list[AnyRecord] = []
    originals: dict[int, _Original] = {}
    for place, record in enumerate(records):
        redactor = Redactor()
        changed = record.with_texts(redactor.text)
        if redactor.counts:
            originals[place] = _Original(record.messages(), dict(redactor.counts))
            clean.append(cast("AnyRecord", changed))
        else:
            clean.append(record)
    return clean, originals


def _keep_originals(originals: Mapping[int, _Original]) -> None:
    """The first original of each prompt, by its id, that something was taken out of."""
    rows = [
        PromptOriginal(prompt_id=pk, messages=one.messages, counts=dict(one.counts))
        for pk, one in originals.items()
    ]
    if rows:
        PromptOriginal.objects.bulk_create(rows, ignore_conflicts=True)


def _keep_demonstrations(batch: Batch) -> int:
    shown = {
        stored.pk: None
        for record, stored in batch.completions
        if isinstance(record, DemonstrationRecord)
    }
    if not shown:
        return 0
    there = set(
        Demonstration.objects.filter(completion__in=list(shown)).values_list(
            "completion", flat=True
        )
    )
    rows = [
        Demonstration(project=batch.project, completion_id=pk, source_import=batch.source)
        for pk in shown
        if pk not in there
    ]
    Demonstration.objects.bulk_create(rows)
    return len(rows)


def _new_pair(
    record: PairRecord,
    prompt: list[dict[str, Any]],
    line: int | None,
    models: Mapping[str, ModelVersion],
) -> NewPair:
    return NewPair(
        prompt=prompt,
        a=Answer(
            record.response_a,
            models.get(record.model_a or ""),
            record.sampling_a,
            metadata=record.metadata_a,
        ),
        b=Answer(
            record.response_b,
            models.get(record.model_b or ""),
            record.sampling_b,
            metadata=record.metadata_b,
        ),
        external_id=record.id,
        source=record.source,
        domain=record.domain,
        difficulty=record.difficulty,
        language=record.language,
        reference=record.reference,
        metadata=record.metadata,
        line=line,
    )


def _hashes(prompt: list[dict[str, Any]], record: PairRecord, policy: IntakePolicy) -> PairHashes:
    return hash_pair(
        prompt,
        (record.response_a, record.model_a or None, record.sampling_a),
        (record.response_b, record.model_b or None, record.sampling_b),
        policy,
    )


def _new_completion(record: SingleRecord, models: Mapping[str, ModelVersion]) -> NewCompletion:
    return NewCompletion(
        prompt=record.messages(),
        answer=Answer(
            record.completion,
            models.get(record.model or ""),
            getattr(record, "sampling", None),
            steps=record.steps if isinstance(record, StepsRecord) else None,
            metadata=record.metadata,
        ),
        source=record.source,
        domain=record.domain,
        difficulty=record.difficulty,
        language=record.language,
        reference=record.reference,
    )


def _model_names(pairs: Sequence[PairRecord], singles: Sequence[SingleRecord]) -> set[str]:
    names = {name for one in pairs for name in (one.model_a, one.model_b) if name}
    return names | {one.model for one in singles if one.model}


def _ensure_api_models(project: Project, names: set[str]) -> dict[str, ModelVersion]:
    """Models that a file names: known by their name alone."""
    if not names:
        return {}
    there = ModelVersion.objects.filter(project=project, name__in=names)
    found = {model.name: model for model in there}
    if lacking := names - set(found):
        ModelVersion.objects.bulk_create(
            [
                ModelVersion(project=project, name=name, kind=ModelVersion.Kind.API)
                for name in sorted(lacking)
            ],
            ignore_conflicts=True,
        )
        found = {model.name: model for model in there.all()}
    return found
