"""Whether prompts and answers fit a model's context, counted before a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from figures.words import counted, percent
from inference.engine import Request
from inference.errors import BadRequestError
from inference.rendering import render_prompts

WARN_ABOVE_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class LengthReport:
    """Of `checked` requests, `too_long` exceed `limit` tokens with `room` for the answer.

    `longest` and `mean` are prompt lengths in tokens; `refused` could not be rendered.
    """

    checked: int
    too_long: int
    refused: int
    longest: int
    mean: float
    room: int
    limit: int | None

    @property
    def share_lost(self) -> float:
        """The share of requests that cannot be answered, in [0, 1]."""
        return (self.too_long + self.refused) / self.checked if self.checked else 0.0

    @property
    def warning(self) -> str:
        """One sentence where more than 1 % would be lost; empty otherwise."""
        if self.share_lost <= WARN_ABOVE_SHARE:
            return ""
        refused = f", {self.refused} are rejected by its chat template" if self.refused else ""
        return (
            f"{percent(self.share_lost)} of {counted(self.checked, 'requests')} checked cannot be "
            f"answered: {self.too_long} {'is' if self.too_long == 1 else 'are'} longer than the "
            f"model's context of {self.limit} tokens with {self.room} for the answer (the longest "
            f"has {self.longest}){refused}."
        )


def measure_lengths(
    tokenizer: Any, requests: Iterable[Request], *, room: int, limit: int | None
) -> LengthReport:
    """Render every request and count; `room` and `limit` in tokens."""
    lengths: list[int] = []
    refused = 0
    for request in requests:
        try:
            [prompt] = render_prompts(tokenizer, [request])
        except BadRequestError:
            refused += 1
        else:
            lengths.append(len(prompt))
    return LengthReport(
        checked=len(lengths) + refused,
        too_long=sum(limit is not None and length + room > limit for length in lengths),
        refused=refused,
        longest=max(lengths, default=0),
        mean=sum(lengths) / len(lengths) if lengths else 0.0,
        room=room,
        limit=limit,
    )
