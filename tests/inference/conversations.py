"""Conversations for the tests of the engines."""

from __future__ import annotations

from inference.engine import Message, Request


def ask(text: str, *, seed: int | None = None) -> Request:
    return Request(messages=(Message("user", text),), seed=seed)


def eight_questions(*, seed: int | None = None) -> list[Request]:
    """Eight questions of very different lengths, the longest neither first nor last."""
    lengths = (3, 12, 1, 20, 7, 2, 15, 5)
    return [
        ask(f"Question {number}: " + "which answer is better? " * length, seed=seed)
        for number, length in enumerate(lengths)
    ]


def seeded_questions(first_seed: int = 0) -> list[Request]:
    """The eight questions, each with a seed of its own."""
    return [
        Request(messages=request.messages, seed=first_seed + number)
        for number, request in enumerate(eight_questions())
    ]
