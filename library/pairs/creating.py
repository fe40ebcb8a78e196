"""Pairs sent in by programs: many a call, and a call that is sent again changes nothing."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from accounts.errors import RefusedError
from corpus.importers.files.rows import RawRow
from corpus.importers.records import ParsedLine
from corpus.importers.registry import format_named, parse_rows
from corpus.imports.storing import store_records
from corpus.intake.policy import intake_policy, launch_scan
from corpus.models import IdempotentCall, IntakePolicy, IntakeScan, Project

MOST_PAIRS = 1_000
KEY_CHARACTERS = 200
KEPT_FOR = dt.timedelta(days=7)
"""How long the answer to a key is kept; the same pairs sent later are found, not doubled."""

BATCH = "API"


class OtherBodyError(RefusedError):
    code = "idempotency_key_reused"
    status = 409


@transaction.atomic
def create_pairs(
    *, project: Project, user: User, key: str, pairs: Sequence[Any]
) -> Mapping[str, Any]:
    """Store the pairs of a call, each an object as a line of pairs JSONL; what came of each.

    A pair that cannot be one is refused by itself, with the reason. The same key with the same
    pairs is answered as it was the first time, also while that is still under way.

    OtherBodyError for a key that was used with other pairs.
    """
    calls = IdempotentCall.objects.filter(project=project, user=user)
    calls.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()
    # Python's own JSON, and not the canonical: a number beyond any is the fault of its pair alone.
    body = hashlib.sha256(json.dumps(list(pairs), sort_keys=True).encode()).hexdigest()
    # Whoever comes second with a key waits here for the first.
    call, is_new = calls.get_or_create(
        key=key, defaults={"project": project, "user": user, "body_sha256": body}
    )
    if not is_new:
        if call.body_sha256 != body:
            raise OtherBodyError(
                f"The idempotency key {key!r} was used with other pairs. Send these under a new "
                "key; nothing was stored."
            )
        known: dict[str, Any] = call.answer
        return known
    call.answer = _store(project, list(_parsed(pairs)))
    call.save(update_fields=["answer"])
    return call.answer  # type: ignore[no-any-return]  # a JSON field


def _parsed(pairs: Sequence[Any]) -> Iterator[ParsedLine]:
    rows = (
        RawRow(place, pair) if isinstance(pair, dict) else RawRow(place, None, "is not an object")
        for place, pair in enumerate(pairs)
    )
    return parse_rows(rows, format_named("pairs"), BATCH)


def _store(project: Project, parsed: Sequence[ParsedLine]) -> dict[str, Any]:
    policy = intake_policy(project.pk)
    good = [(place, line.records[0]) for place, line in enumerate(parsed) if line.records]
    counts, batch = store_records(
        project=project,
        records=[(record, None) for _, record in good],
        policy=policy,
        batch=BATCH,
    )
    results: list[dict[str, Any]] = [
        {"index": place, "status": "refused", "pair": None, "reason": line.reason}
        for place, line in enumerate(parsed)
    ]
    for (place, _), (_, stored) in zip(good, batch.pairs, strict=True):
        results[place] = {
            "index": place,
            "status": "created" if stored.is_new else "duplicate",
            "pair": stored.row.pk,
            "reason": "",
        }
    if policy.duplicates == IntakePolicy.Duplicates.ONE and counts["pairs_added"]:
        launch_scan(project=project, kind=IntakeScan.Kind.DUPLICATES)
    return {
        "created": counts["pairs_added"],
        "duplicates": counts["duplicates"],
        "refused": len(parsed) - len(good),
        "labels_added": counts["labels_added"],
        "results": results,
    }
