"""How a model is asked to answer, to criticise and to revise, by template.

A changed wording is a new template with a new name, like a judge's. Templates are functions of
values: conversations of {role, content} in, messages out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from constitution.errors import UnknownTemplateError
from corpus.conversations import summary
from inference.conversations import read_messages
from inference.engine import Message
from inference.sandbox.prompts import PRINCIPLES as SANDBOX_PRINCIPLES
from inference.sandbox.prompts import critique_messages, revise_messages

Conversation = Sequence[Mapping[str, Any]]

FIRST = ("system", "developer")
"""Roles whose turns stand before all others."""

NOTHING_TO_CRITICISE = "No critique needed."
_NOTHING = ("no critique needed", "no revision needed", "no revisions needed", "nothing to critici")


@dataclass(frozen=True, slots=True)
class Requests:
    """The words of one principle that a step is asked by, and conversations that show it done."""

    critique_request: str
    revision_request: str
    shots: Sequence[Conversation] = ()


class CritiqueTemplate(Protocol):
    def critique(
        self, asked: Requests, prompt: Conversation, answer: str
    ) -> tuple[Message, ...]: ...

    def revise(
        self, asked: Requests, prompt: Conversation, answer: str, critique: str
    ) -> tuple[Message, ...]: ...

    def finds_nothing(self, critique: str) -> bool:
        """Whether a critique says that there is nothing to mend."""


class CritiqueV1:
    """For instruction-tuned models: critique and revision as further turns of the conversation.

    Source: the loop of Bai et al. 2022 (arXiv 2212.08073, §3.1), with chat turns for its labels.
    """

    def critique(self, asked: Requests, prompt: Conversation, answer: str) -> tuple[Message, ...]:
        question = (
            f"{asked.critique_request}\n\nIf there is nothing of the kind in the response, reply "
            f"with the words “{NOTHING_TO_CRITICISE}” alone."
        )
        return (
            *_turns(asked.shots, prompt),
            Message("assistant", answer),
            Message("user", question),
        )

    def revise(
        self, asked: Requests, prompt: Conversation, answer: str, critique: str
    ) -> tuple[Message, ...]:
        question = f"{asked.revision_request}\n\nReply with the revised response alone."
        return (
            *_turns(asked.shots, prompt),
            Message("assistant", answer),
            Message("user", asked.critique_request),
            Message("assistant", critique),
            Message("user", question),
        )

    def finds_nothing(self, critique: str) -> bool:
        return critique.strip().strip("“”\"'*").casefold().startswith(_NOTHING)


class SandboxV1:
    """The short forms that the sandbox model was trained on; it reads the last turn alone."""

    _NOTHING_FOUND = frozenset(one.nothing_found for one in SANDBOX_PRINCIPLES.values())

    def critique(self, asked: Requests, prompt: Conversation, answer: str) -> tuple[Message, ...]:
        return critique_messages(asked.critique_request, summary(prompt), answer)

    def revise(
        self, asked: Requests, prompt: Conversation, answer: str, critique: str
    ) -> tuple[Message, ...]:
        return revise_messages(asked.revision_request, summary(prompt), answer, critique)

    def finds_nothing(self, critique: str) -> bool:
        return critique.strip() in self._NOTHING_FOUND


TEMPLATES: dict[str, CritiqueTemplate] = {
    "critique-v1": CritiqueV1(),
    "sandbox-critique-v1": SandboxV1(),
}


def template_named(name: str) -> CritiqueTemplate:
    """The template of that name. UnknownTemplateError, which lists the known ones."""
    if name not in TEMPLATES:
        raise UnknownTemplateError(
            f"There is no critique template {name!r}; choose from {', '.join(sorted(TEMPLATES))}."
        )
    return TEMPLATES[name]


def default_template(sandbox: bool) -> str:
    """The template that a model understands: the sandbox model's own, or the general one."""
    return "sandbox-critique-v1" if sandbox else "critique-v1"


def initial_messages(prompt: Conversation) -> tuple[Message, ...]:
    """The prompt as it is: the first answer is the model's own, unprompted by any example."""
    return read_messages(prompt)


def shots_of(
    few_shots: Sequence[Conversation],
    examples: Sequence[Mapping[str, str]],
    critique_request: str,
    revision_request: str,
) -> list[Conversation]:
    """A version's conversations, then a principle's own examples as such."""
    shots: list[Conversation] = list(few_shots)
    for example in examples:
        if not (example.get("response") and example.get("critique")):
            continue
        turns = [
            {"role": "user", "content": example["prompt"]},
            {"role": "assistant", "content": example["response"]},
            {"role": "user", "content": critique_request},
            {"role": "assistant", "content": example["critique"]},
        ]
        if example.get("revision"):
            turns += [
                {"role": "user", "content": revision_request},
                {"role": "assistant", "content": example["revision"]},
            ]
        shots.append(turns)
    return shots


def _turns(shots: Sequence[Conversation], prompt: Conversation) -> list[Message]:
    """The shots before the conversation; a prompt's own system turn stays at the very front."""
    system = [turn for turn in prompt if turn["role"] in FIRST]
    spoken = [turn for turn in prompt if turn["role"] not in FIRST]
    shown = [turn for shot in shots for turn in shot if turn["role"] not in FIRST]
    return list(read_messages([*system, *shown, *spoken]))
