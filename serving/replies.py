"""The reply cache: a request identical in all that its answer depends on is not asked again.

The name of a reply is the hash of the model's weights, the messages, and either the sampling with
its seed or the options; unseeded sampling has no name, because no two answers to it are the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from corpus.models import ModelVersion
from inference.engine import Choice, Generation, Message, Request, Sampling
from serving.models import CachedReply

# Raised when the meaning of a stored reply changes: older ones are then not found any more.
FORMAT = 1


def weights_key(model: ModelVersion) -> str | None:
    """What names the weights beyond doubt; None where nothing does, and nothing is cached.

    A folder's weights by their hash, a hub model by its commit.
    """
    if not model.weights_sha256:
        return f"{model.location}@{model.revision}" if model.revision else None
    if model.kind != model.Kind.ADAPTER:
        return model.weights_sha256
    base = weights_key(model.parent) if model.parent else None
    return None if base is None else f"{base}+{model.weights_sha256}"


def reply_key(
    weights: str,
    engine: str,
    request: Request,
    *,
    sampling: Sampling | None,
    options: Sequence[str],
) -> str | None:
    """The name (64 hex digits) of the answer to a request; None where it has no fixed answer.

    Greedy decoding needs no seed. The engine's kind is part of it, because engines round
    differently.
    """
    if sampling is not None and sampling.temperature > 0 and request.seed is None:
        return None
    draws = sampling is not None and sampling.temperature > 0
    asked = {
        "format": FORMAT,
        "weights": weights,
        "engine": engine,
        "messages": [_said(turn) for turn in request.messages],
        "sampling": None if sampling is None else asdict(sampling),
        "seed": request.seed if draws else None,
        "options": list(options),
    }
    text = json.dumps(asked, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _said(turn: Message) -> list[Any]:
    """What names a turn; one that has no tools is named as it was before there were any."""
    tools = [asdict(call) for call in turn.tool_calls]
    beyond = [tools, turn.tool_call_id, turn.name]
    return [turn.role, turn.content, *(beyond if any(beyond) else [])]


def find_replies(keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The stored replies by name; those found count as used now."""
    wanted = list(keys)
    if not wanted:
        return {}
    found = dict(CachedReply.objects.filter(key__in=wanted).values_list("key", "reply"))
    if found:
        CachedReply.objects.filter(key__in=list(found)).update(used_at=timezone.now())
    return found


def store_replies(replies: Mapping[str, Choice | Generation]) -> None:
    """Keep replies by name. One that another has stored meanwhile stays as it is."""
    if not replies:
        return
    now = timezone.now()
    rows = []
    for key, reply in replies.items():
        value = asdict(reply)
        size = len(json.dumps(value)) + len(key)
        rows.append(CachedReply(key=key, reply=value, size_bytes=size, used_at=now))
    CachedReply.objects.bulk_create(rows, ignore_conflicts=True)


def choice_from(reply: dict[str, Any]) -> Choice:
    return Choice(
        probabilities=tuple(reply["probabilities"]),
        mass=reply["mass"],
        prompt_tokens=reply["prompt_tokens"],
    )


def generation_from(reply: dict[str, Any]) -> Generation:
    return Generation(**reply)


def trim_replies(limit_bytes: int | None = None) -> int:
    """Delete the replies unused for longest until the rest fits the limit; how many went.

    The limit is that of the settings where none is given.
    """
    limit = settings.REPLY_CACHE_BYTES if limit_bytes is None else limit_bytes
    total = CachedReply.objects.aggregate(bytes=Sum("size_bytes"))["bytes"] or 0
    deleted = 0
    while total > limit:
        oldest = list(
            CachedReply.objects.order_by("used_at").values_list("key", "size_bytes")[:1000]
        )
        going = []
        for key, size in oldest:
            if total <= limit:
                break
            going.append(key)
            total -= size
        CachedReply.objects.filter(key__in=going).delete()
        deleted += len(going)
    return deleted
