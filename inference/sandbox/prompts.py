"""The short templates that the sandbox model was trained on.

A changed wording here is a model that has to be trained again.
"""

from __future__ import annotations

from dataclasses import dataclass

from inference.engine import Message
from inference.sandbox.world import PrincipleKey


@dataclass(frozen=True, slots=True)
class SandboxPrinciple:
    """A principle of the sandbox constitution, in words that the sandbox model knows."""

    key: PrincipleKey
    comparison: str
    critique_request: str
    revision_request: str
    fault_found: str
    """The critique of an answer that breaks the principle."""
    nothing_found: str
    """The critique of one that keeps it."""


PRINCIPLES: dict[PrincipleKey, SandboxPrinciple] = {
    principle.key: principle
    for principle in (
        SandboxPrinciple(
            key="polite",
            comparison="Choose the response that is more polite.",
            critique_request="Say whether the response is rude.",
            revision_request="Rewrite the response so that it is polite.",
            fault_found="The response is rude.",
            nothing_found="The response is not rude.",
        ),
        SandboxPrinciple(
            key="concise",
            comparison="Choose the response that is more concise.",
            critique_request="Say whether the response rambles.",
            revision_request="Rewrite the response so that it is concise.",
            fault_found="The response rambles.",
            nothing_found="The response does not ramble.",
        ),
        SandboxPrinciple(
            key="on_topic",
            comparison="Choose the response that stays on the topic of the request.",
            critique_request="Say whether the response is off topic.",
            revision_request="Rewrite the response so that it is on topic.",
            fault_found="The response is off topic.",
            nothing_found="The response is on topic.",
        ),
    )
}


def answer_messages(request: str) -> tuple[Message, ...]:
    """Asks for an answer to a request."""
    return (Message("user", request),)


def judge_messages(
    principle: str, request: str, answer_a: str, answer_b: str
) -> tuple[Message, ...]:
    """Asks which of two answers a principle prefers; the reply is A or B, one token each."""
    return (Message("user", pair_text(request, answer_a, answer_b) + principle),)


def pair_text(request: str, answer_a: str, answer_b: str) -> str:
    return f"Request: {request}\nA: {answer_a}\nB: {answer_b}\n"


def critique_messages(critique_request: str, request: str, answer: str) -> tuple[Message, ...]:
    """Asks what is wrong with an answer; the reply is one of a principle's two critiques."""
    return (Message("user", f"Request: {request}\nResponse: {answer}\n{critique_request}"),)


def revise_messages(
    revision_request: str, request: str, answer: str, critique: str
) -> tuple[Message, ...]:
    """Asks for an answer that mends what the critique found."""
    text = f"Request: {request}\nResponse: {answer}\nCritique: {critique}\n{revision_request}"
    return (Message("user", text),)
