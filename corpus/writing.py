"""Pairs go in: hashed once, stored in a fixed number of statements, never twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone

from corpus.bulk import insert_rows, lock_project
from corpus.hashing import completion_sha256, pair_sha256, prompt_sha256
from corpus.intake.policy import hits_in, intake_policy
from corpus.models import (
    Completion,
    Import,
    IntakePolicy,
    ModelVersion,
    Pair,
    Project,
    Prompt,
    SamplingRun,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One completion to be stored. `model` is a model version, or None when unknown."""

    text: str
    model: ModelVersion | None = None
    sampling: Mapping[str, Any] | None = None
    token_count: int | None = None
    finish_reason: str = ""
    steps: Sequence[str] | None = None
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class NewPair:
    """Two completions of one prompt to be stored as a pair, `a` as its first."""

    prompt: Sequence[Mapping[str, Any]]
    a: Answer
    b: Answer
    external_id: str = ""
    source: str = ""
    domain: str = ""
    difficulty: str = ""
    language: str = ""
    reference: str = ""
    metadata: Mapping[str, Any] | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class NewCompletion:
    """One completion of a prompt to be stored, without another beside it."""

    prompt: Sequence[Mapping[str, Any]]
    answer: Answer
    source: str = ""
    domain: str = ""
    difficulty: str = ""
    language: str = ""
    reference: str = ""


class StoredCompletion(NamedTuple):
    """Where a NewCompletion ended up."""

    pk: int
    prompt_id: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class CameFrom:
    """What rows are stored for: an import, a sampling run, or neither."""

    source_import: Import | None = None
    sampling_run: SamplingRun | None = None

    @property
    def import_id(self) -> int | None:
        return self.source_import.pk if self.source_import else None

    @property
    def sampling_id(self) -> int | None:
        return self.sampling_run.pk if self.sampling_run else None


NOWHERE = CameFrom()


class PairRow(NamedTuple):
    """A pair as it is stored. A model's instance of each of a hundred thousand takes seconds."""

    pk: int
    project_id: int
    prompt_id: int
    first_id: int
    second_id: int
    sha256: str
    external_id: str
    origin: str
    batch: str
    metadata: Mapping[str, Any]
    source_import_id: int | None
    source_line: int | None
    sampling_run_id: int | None
    priority: int
    held_back: str
    created_at: dt.datetime


@dataclass(frozen=True, slots=True)
class StoredPair:
    """Where a NewPair ended up. An older pair may have the two completions the other way round."""

    row: PairRow
    a_is_first: bool
    is_new: bool

    @property
    def pair(self) -> Pair:
        """The row as an instance, made anew at each call."""
        # In the order of the model's fields: every field's name is also an attribute of the row.
        names = [field.attname for field in Pair._meta.concrete_fields]
        return Pair.from_db(
            None, names, [getattr(self.row, "pk" if name == "id" else name) for name in names]
        )


@dataclass(frozen=True, slots=True)
class PairHashes:
    """By what a pair is known, and in how many places its completions give their author away."""

    prompt: str
    a: str
    b: str
    pair: str
    hits_a: int
    hits_b: int


@dataclass(frozen=True, slots=True)
class _Row:
    """A pair with its hashes, ready to be stored."""

    pair: NewPair
    hashes: PairHashes

    @property
    def completions(self) -> tuple[_Completion, _Completion]:
        hashes = self.hashes
        return (
            _Completion(hashes.a, hashes.prompt, self.pair.a, hashes.hits_a),
            _Completion(hashes.b, hashes.prompt, self.pair.b, hashes.hits_b),
        )


class _Completion(NamedTuple):
    """A completion with its hash and its prompt's, ready to be stored."""

    sha256: str
    prompt: str
    answer: Answer
    hits: int


@transaction.atomic
def write_pairs(
    *,
    project: Project,
    pairs: Sequence[NewPair],
    origin: Pair.Origin,
    batch: str = "",
    priority: int = 0,
    hashes: Sequence[PairHashes] | None = None,
    came_from: CameFrom = NOWHERE,
) -> list[StoredPair]:
    """Store pairs with their prompts and completions; what is there already is found, not doubled.

    A fixed number of queries per call, however many pairs. The result is in the order given; of
    two equal pairs in one call, the first alone is new. Writers of one project wait for each other.
    `hashes` are the pairs' own, from who has made them already.
    """
    policy = intake_policy(project.pk)
    if hashes is None:
        hashes = [_hashes(pair, policy) for pair in pairs]
    rows = [_Row(pair, known) for pair, known in zip(pairs, hashes, strict=True)]
    lock_project(project)
    prompts, new_prompts = _ensure_prompts(
        project, [(row.hashes.prompt, row.pair) for row in rows], came_from
    )
    completions, new_completions = _ensure_completions(
        prompts, new_prompts, [one for row in rows for one in row.completions], came_from
    )
    there = _pairs_there(project, rows, new_completions)
    first_with = {row.hashes.pair: place for place, row in reversed(list(enumerate(rows)))}
    now = timezone.now()
    new = [
        (
            project.pk,
            prompts[row.hashes.prompt],
            completions[row.hashes.a],
            completions[row.hashes.b],
            row.hashes.pair,
            row.pair.external_id,
            origin.value,
            batch,
            row.pair.metadata or {},
            came_from.import_id,
            row.pair.line,
            came_from.sampling_id,
            priority,
            _held_back(row.hashes, policy),
            now,
        )
        for place, row in enumerate(rows)
        if row.hashes.pair not in there and first_with[row.hashes.pair] == place
    ]
    ids = insert_rows(Pair, PAIR, new)
    made = {values[4]: PairRow(pk, *values) for pk, values in zip(ids, new, strict=True)}
    return [
        StoredPair(
            stored := made.get(row.hashes.pair) or there[row.hashes.pair],
            stored.first_id == completions[row.hashes.a],
            row.hashes.pair in made and first_with[row.hashes.pair] == place,
        )
        for place, row in enumerate(rows)
    ]


@transaction.atomic
def write_completions(
    *, project: Project, completions: Sequence[NewCompletion], came_from: CameFrom = NOWHERE
) -> list[StoredCompletion]:
    """Store completions with their prompts; what is there already is found, not doubled.

    A fixed number of queries per call. The result is in the order given; of two equal completions
    in one call, the first alone is new. Writers of one project wait for each other.
    """
    policy = intake_policy(project.pk)
    rows: list[_Completion] = []
    for one in completions:
        prompt = prompt_sha256(one.prompt)
        model = one.answer.model.name if one.answer.model else None
        sha256 = completion_sha256(prompt, one.answer.text, model, one.answer.sampling)
        rows.append(_Completion(sha256, prompt, one.answer, hits_in(one.answer.text, policy)))
    lock_project(project)
    wanted = [(row.prompt, one) for row, one in zip(rows, completions, strict=True)]
    prompts, new_prompts = _ensure_prompts(project, wanted, came_from)
    ids, new = _ensure_completions(prompts, new_prompts, rows, came_from)
    stored = []
    for row in rows:
        stored.append(StoredCompletion(ids[row.sha256], prompts[row.prompt], row.sha256 in new))
        new.discard(row.sha256)
    return stored


def hash_pair(
    prompt: Sequence[Mapping[str, Any]],
    a: tuple[str, str | None, Mapping[str, Any] | None],
    b: tuple[str, str | None, Mapping[str, Any] | None],
    policy: IntakePolicy,
) -> PairHashes:
    """The hashes of a pair from its prompt and, for each completion, (text, model, sampling)."""
    prompt_hash = prompt_sha256(prompt)
    hash_a, hash_b = completion_sha256(prompt_hash, *a), completion_sha256(prompt_hash, *b)
    return PairHashes(
        prompt=prompt_hash,
        a=hash_a,
        b=hash_b,
        pair=pair_sha256(hash_a, hash_b),
        hits_a=hits_in(a[0], policy),
        hits_b=hits_in(b[0], policy),
    )


def _hashes(pair: NewPair, policy: IntakePolicy) -> PairHashes:
    a, b = (
        (answer.text, answer.model.name if answer.model else None, answer.sampling)
        for answer in (pair.a, pair.b)
    )
    return hash_pair(pair.prompt, a, b, policy)


def _held_back(hashes: PairHashes, policy: IntakePolicy) -> str:
    """Why a new pair is wanted of nobody; empty when it is in use."""
    tells = hashes.hits_a or hashes.hits_b
    return Pair.HeldBack.IDENTITY if tells and policy.identity == policy.Identity.HOLD else ""


PROMPT = (
    *("project_id", "messages", "sha256", "source", "domain", "difficulty", "language"),
    *("sensitive", "reference", "metadata", "source_import_id", "created_at"),
)
COMPLETION = (
    *("prompt_id", "text", "model_version_id", "sampling", "token_count", "finish_reason"),
    *("identity_hits", "sha256", "steps", "metadata", "source_import_id", "created_at"),
)
PAIR = (
    *("project_id", "prompt_id", "first_id", "second_id", "sha256", "external_id", "origin"),
    *("batch", "metadata", "source_import_id", "source_line", "sampling_run_id"),
    *("priority", "held_back", "created_at"),
)


def _ensure_prompts(
    project: Project, rows: Sequence[tuple[str, NewPair | NewCompletion]], came_from: CameFrom
) -> tuple[dict[str, int], set[str]]:
    """The ids of the prompts by their hash, and which of them are new.

    `rows` are what is stored, each with its prompt's hash.
    """
    wanted = dict(reversed(rows))
    there = dict(
        Prompt.objects.filter(project=project, sha256__in=list(wanted)).values_list("sha256", "pk")
    )
    new = [key for key in dict.fromkeys(sha256 for sha256, _ in rows) if key not in there]
    now = timezone.now()
    ids = insert_rows(
        Prompt,
        PROMPT,
        (
            (
                project.pk,
                list(wanted[key].prompt),
                key,
                wanted[key].source,
                wanted[key].domain,
                wanted[key].difficulty,
                wanted[key].language,
                False,
                wanted[key].reference,
                {},
                came_from.import_id,
                now,
            )
            for key in new
        ),
    )
    add_references(
        {pk: wanted[key].reference for key, pk in there.items() if wanted[key].reference}
    )
    return there | dict(zip(new, ids, strict=True)), set(new)


def add_references(references: Mapping[int, str]) -> None:
    """Give prompts, by id, the reference answers that they lack; one that is there stays."""
    lacking = list(Prompt.objects.filter(pk__in=list(references), reference=""))
    for prompt in lacking:
        prompt.reference = references[prompt.pk]
    Prompt.objects.bulk_update(lacking, ["reference"], batch_size=500)


def _ensure_completions(
    prompts: Mapping[str, int],
    new_prompts: set[str],
    rows: Iterable[_Completion],
    came_from: CameFrom,
) -> tuple[dict[str, int], set[str]]:
    """The ids of the completions by their hash, and which of them are new."""
    wanted: dict[str, _Completion] = {}
    for row in rows:
        wanted.setdefault(row.sha256, row)
    # A new prompt has no completion yet: most imports look for none.
    old = [key for key, row in wanted.items() if row.prompt not in new_prompts]
    there: dict[str, int] = {}
    if old:
        parents = {prompts[wanted[key].prompt] for key in old}
        found = Completion.objects.filter(prompt__in=parents, sha256__in=old)
        there = dict(found.values_list("sha256", "pk"))
    new = [key for key in wanted if key not in there]
    now = timezone.now()
    ids = insert_rows(
        Completion,
        COMPLETION,
        (
            (
                prompts[prompt],
                answer.text,
                answer.model.pk if answer.model else None,
                dict(answer.sampling) if answer.sampling is not None else None,
                answer.token_count,
                answer.finish_reason,
                hits,
                key,
                list(answer.steps) if answer.steps is not None else None,
                dict(answer.metadata) if answer.metadata else {},
                came_from.import_id,
                now,
            )
            for key, prompt, answer, hits in (wanted[key] for key in new)
        ),
    )
    return there | dict(zip(new, ids, strict=True)), set(new)


def _pairs_there(
    project: Project, rows: Iterable[_Row], new_completions: set[str]
) -> dict[str, PairRow]:
    """The pairs that are there, by hash. A pair with a new completion is new."""
    old = [
        row.hashes.pair
        for row in rows
        if row.hashes.a not in new_completions and row.hashes.b not in new_completions
    ]
    if not old:
        return {}
    found = Pair.objects.filter(project=project, sha256__in=old)
    return {row[5]: PairRow(*row) for row in found.values_list("pk", *PAIR)}
