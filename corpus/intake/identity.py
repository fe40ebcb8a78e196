"""Completions that give their author away: found and masked. Pure functions of text.

A rater who knows which model wrote an answer judges the model. Names that mean nothing else are
always hidden; names that are words of their own too (Claude, Gemini, Google) only where the text
speaks of its author.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import ahocorasick

MASK = "[…]"

NAMES = (
    *("ChatGPT", "OpenAI", "Anthropic", "DeepMind", "DeepSeek", "Qwen", "Mixtral", "Vicuna"),
    *("OpenAssistant", "Open Assistant", "Cohere", "Moonshot AI", "xAI", "Mistral AI", "Meta AI"),
    *("Alibaba Cloud", "Tongyi Qianwen", "Zhipu AI", "ChatGLM", "WizardLM", "StableLM"),
    *("Microsoft Copilot", "Google Bard", "Google Gemini", "Bing Chat"),
)
"""Always hidden."""

VERSIONED = (
    r"(?:GPT|Claude|Gemini|Llama|Mistral|Grok|Phi|Gemma)[-\s]?\d(?:\.\d+)?[a-z]*"
    r"(?:[-\s](?:turbo|mini|opus|sonnet|haiku|pro|flash))?"
)
"""A name with a version is a model."""

AMBIGUOUS = (
    r"(?:Claude|Gemini|Bard|Llama|Grok|Mistral|Copilot|Gemma|Falcon|Alpaca|Google|Meta|Microsoft"
    r"|Apple|Amazon|Nvidia)"
)
AUTHOR = (
    r"(?:I am|I['’]m|my name is|call me|named|known as"
    r"|(?:made|created|built|developed|trained|designed|powered) by)"
)
"""Words after which even an ambiguous name is the author's."""

HINTS = ("i am", "i'm", "i’m", "my name", "call me", "named", "known as", " by ")
"""One of these stands in every text that the ambiguous pattern can match."""


@dataclass(frozen=True, slots=True)
class Masked:
    """The text with MASK in place of what was found, and how often that was."""

    text: str
    hits: int
    found: tuple[str, ...] = ()


def mask(text: str, terms: Sequence[str] = ()) -> Masked:
    """Hide what gives the author away; `terms` are a project's own names."""
    lower = text.casefold()
    names = _names(tuple(terms))
    hints = {hint for _, hint in names.hints.iter(lower)}
    found: list[str] = []
    if NAME in hints:
        text = names.pattern.sub(lambda match: _note(match, found), text)
    if SPEAKER in hints:
        text = _AFTER_AUTHOR.sub(lambda match: match[1] + _note(match, found, 2), text)
    return Masked(text, len(found), tuple(found))


def _note(match: re.Match[str], found: list[str], group: int = 0) -> str:
    found.append(match[group])
    return MASK


NAME, SPEAKER = "name", "speaker"

VERSIONED_HINTS = ("gpt", "claude", "gemini", "llama", "mistral", "grok", "phi", "gemma")


@dataclass(frozen=True, slots=True)
class _Names:
    """The pattern of all names, and what looks for the words without which no pattern matches.

    The words of all are looked for in one pass (Aho and Corasick 1975): every completion that
    comes in is asked.
    """

    pattern: re.Pattern[str]
    hints: ahocorasick.Automaton


@lru_cache(maxsize=64)
def _names(terms: tuple[str, ...]) -> _Names:
    """One pattern for all names, longest first; a name stands alone, not inside a word."""
    names = sorted({*NAMES, *terms}, key=len, reverse=True)
    either = "|".join([VERSIONED, *(re.escape(name) for name in names)])
    hints = ahocorasick.Automaton()
    for name in (*names, *VERSIONED_HINTS):
        hints.add_word(name.casefold(), NAME)
    for words in HINTS:
        hints.add_word(words, SPEAKER)
    hints.make_automaton()
    return _Names(re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE), hints)


_AFTER_AUTHOR = re.compile(
    rf"((?<!\w){AUTHOR}\s+"
    r"(?:an?\s+(?:AI|assistant|chatbot|(?:large\s+)?language\s+model)\s+(?:called|named)\s+)?)"
    rf"({AMBIGUOUS})(?!\w)",
    re.IGNORECASE,
)
