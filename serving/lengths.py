"""Whether requests fit a model's context, told before any of them is asked."""

from __future__ import annotations

from collections.abc import Iterable

from corpus.models import ModelVersion
from corpus.registry import location_of, root_of
from inference.engine import Request
from inference.errors import InferenceError
from inference.lengths import LengthReport, measure_lengths
from inference.sources import load_tokenizer, resolve_adapter, tokenizer_source


def lengths_on(
    model: ModelVersion, requests: Iterable[Request], *, room: int
) -> LengthReport | None:
    """How the requests fit the model's context with `room` tokens for the answer.

    None where that cannot be known here: the model is known by name alone, or its context is not.
    """
    root = root_of(model)
    if model.kind == ModelVersion.Kind.API or root.context_tokens is None:
        return None
    try:
        base, adapter = resolve_adapter(location_of(model), None)
        tokenizer = load_tokenizer(
            tokenizer_source(base, adapter),
            revision=root.revision or None,
            trust_remote_code=root.trust_remote_code,
        )
    except InferenceError:
        # Opening the engine says what is wrong with the model.
        return None
    return measure_lengths(tokenizer, requests, room=room, limit=root.context_tokens)
