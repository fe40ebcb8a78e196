"""The arithmetic of a critique–revise chain: which principle when, and what came of it. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from constitution.verifiers import refusal_in

Outcome = Literal["revised", "unchanged", "refuses", "repeats"]

_SPACE = re.compile(r"\s+")


def step_seed(seed: int, prompt_sha256: str, round_number: int, step: str) -> int:
    """The sampling seed of one step, in [0, 2**48): of the run, the prompt, the round, the step.

    A step that is asked again after a restart is asked with the same seed, whatever batch it
    travels in.
    """
    digest = hashlib.sha256(f"{seed}:{prompt_sha256}:{round_number}:{step}".encode()).digest()
    return int.from_bytes(digest[:6])


def draw_principles(
    weights: Sequence[float], rounds: int, *, seed: int, prompt_sha256: str
) -> list[int]:
    """The place of the principle of each round, drawn in proportion to the weights.

    Without replacement until every principle was drawn, then anew: a chain of four rounds looks
    at four sides of an answer where there are so many. The first draw of each chain has exactly
    the weights' shares.

    Args:
        weights: above 0, at least one.
        rounds: at least 1.

    Source: a principle drawn at random for each revision, as in Bai et al. 2022 (arXiv
        2212.08073, §3.1); there uniformly and with replacement.
    """
    shares = np.asarray(weights, dtype=float)
    if not len(shares) or (shares <= 0).any():
        raise ValueError(f"weights must be above 0, got {list(weights)}")
    digest = hashlib.sha256(f"{seed}:{prompt_sha256}:principles".encode()).digest()
    generator = np.random.default_rng(int.from_bytes(digest[:8]))
    drawn: list[int] = []
    while len(drawn) < rounds:
        order = generator.choice(
            len(shares), size=len(shares), replace=False, p=shares / shares.sum()
        )
        drawn += order.tolist()
    return drawn[:rounds]


def outcome_of(initial: str, last: str, *, told: Sequence[str], refusal_wanted: bool) -> Outcome:
    """What a chain's last revision is worth beside the initial answer.

    Args:
        told: what the reviser was told (prompt, critique, requests): repeating it is no answer.
        refusal_wanted: the prompt asks for something that may be refused (a red-team prompt).
    """
    text = _plain(last)
    if text == _plain(initial):
        return "unchanged"
    if not text or any(text == _plain(one) for one in told):
        return "repeats"
    if refusal_in(last) is not None and refusal_in(initial) is None and not refusal_wanted:
        return "refuses"
    return "revised"


def is_new_refusal(initial: str, last: str) -> bool:
    """Whether the revision refuses and the initial answer did not: evasiveness, wanted or not."""
    return refusal_in(last) is not None and refusal_in(initial) is None


def last_text(initial: str, revisions: Sequence[Mapping[str, str]]) -> str:
    """The answer that a chain ends with: its last revision, or the initial answer."""
    return next((one["after"] for one in reversed(revisions) if one["after"]), initial)


def _plain(text: str) -> str:
    return _SPACE.sub(" ", text).strip().casefold()
