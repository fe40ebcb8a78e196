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
from corpus.intake import hits_in, intake_policy
from corpus.models import Completion, IntakePolicy, ModelVersion, Pair, Project, Prompt


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
    reference: str = ""


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


@transaction.atomic
def write_pairs(
    *,
    project: Project,
    pairs: Sequence[NewPair],
    origin: Pair.Origin,
    batch: str = "",
    priority: int = 0,
    hashes: Sequence[PairHashes] | None = None,
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
    prompts, new_prompts = _ensure_prompts(project, rows)
    completions, new_completions = _ensure_completions(prompts, new_prompts, rows)
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


def hash_pair(
    prompt: Sequence[Mapping[str, str]],
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
    *("sensitive", "reference", "created_at"),
)
COMPLETION = (
    *("prompt_id", "text", "model_version_id", "sampling", "token_count", "finish_reason"),
    *("identity_hits", "sha256", "created_at"),
)
PAIR = (
    *("project_id", "prompt_id", "first_id", "second_id", "sha256", "external_id", "origin"),
    *("batch", "priority", "held_back", "created_at"),
)


def _ensure_prompts(project: Project, rows: Sequence[_Row]) -> tuple[dict[str, int], set[str]]:
    """The ids of the prompts by their hash, and which of them are new."""
    wanted = {row.hashes.prompt: row.pair for row in reversed(rows)}
    there = dict(
        Prompt.objects.filter(project=project, sha256__in=list(wanted)).values_list("sha256", "pk")
    )
    new = [key for key in dict.fromkeys(row.hashes.prompt for row in rows) if key not in there]
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
    prompts: Mapping[str, int], new_prompts: set[str], rows: Sequence[_Row]
) -> tuple[dict[str, int], set[str]]:
    """The ids of the completions by their hash, and which of them are new."""
    wanted: dict[str, tuple[str, Answer, int]] = {}
    for row in rows:
        wanted.setdefault(row.hashes.a, (row.hashes.prompt, row.pair.a, row.hashes.hits_a))
        wanted.setdefault(row.hashes.b, (row.hashes.prompt, row.pair.b, row.hashes.hits_b))
    # A new prompt has no completion yet: most imports look for none.
    old = [key for key, (prompt, _, _) in wanted.items() if prompt not in new_prompts]
    there: dict[str, int] = {}
    if old:
        parents = {prompts[wanted[key][0]] for key in old}
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
                now,
            )
            for key, (prompt, answer, hits) in ((key, wanted[key]) for key in new)
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
