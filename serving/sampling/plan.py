"""What a sampling run asks, and which pairs it makes of the answers. Pure functions."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

from corpus.models import PairPolicy
from corpus.pairing import RANDOM_PAIRS, Places, pairs_of

POLICIES = (PairPolicy.ALL, PairPolicy.RANDOM)
"""Those that need no ranks."""


def sample_seed(seed: int, prompt_sha256: str, model: str, sample: int) -> int:
    """The sampling seed of one completion, in [0, 2**48).

    It depends on the run's seed, the prompt, the model's name and the number of the sample alone:
    what is asked again, by whichever run, gets the same answer.
    """
    digest = hashlib.sha256(f"{seed}:{prompt_sha256}:{sample}:{model}".encode()).digest()
    return int.from_bytes(digest[:6])


def sampling_config(
    *, engine: str, temperature: float, top_p: float, max_tokens: int, seed: int, sample: int
) -> dict[str, Any]:
    """How a completion was sampled, as it is stored with it. By this it is found again."""
    return {
        "engine": engine,
        "temperature": temperature,
        "top_p": top_p,
        "max_tokens": max_tokens,
        "seed": seed,
        "sample": sample,
    }


class Sampled(NamedTuple):
    """A completion of a prompt, as far as pairs depend on it."""

    text: str
    model: int


def pairs_among(
    completions: Sequence[Sampled],
    policy: PairPolicy,
    *,
    between_models: bool = False,
    most: int | None = None,
    seed: str = "",
) -> list[Places]:
    """The pairs made of one prompt's completions: of different texts, each two texts once.

    Args:
        policy: one of `POLICIES`.
        between_models: only of completions of different models.
        most: at most so many under the random policy; `RANDOM_PAIRS` when None.
        seed: what the draw depends on.
    """
    seen: set[frozenset[str]] = set()
    fit: list[Places] = []
    for places in pairs_of([None] * len(completions), PairPolicy.ALL):
        first, second = completions[places.first], completions[places.second]
        texts = frozenset((first.text, second.text))
        if len(texts) < 2 or texts in seen:
            continue
        if between_models and first.model == second.model:
            continue
        seen.add(texts)
        fit.append(places)
    if policy == PairPolicy.RANDOM:
        wanted = RANDOM_PAIRS if most is None else most
        return sorted(random.Random(seed).sample(fit, min(wanted, len(fit))))
    return fit
