"""A small world of requests and answers whose truth is known: the sandbox.

Requests are about twelve topics. Answers are polite or rude, concise or rambling, on or off topic,
by construction; the functions of the ground truth read those attributes off any text by the
world's own lexicon, never by a model. Everything is a function of values and a passed generator.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from inference.sandbox import lexicon
from inference.sandbox.lexicon import TOPICS, Topic

PrincipleKey = Literal["polite", "concise", "on_topic"]

MIN_WORDS = 4
"""Less is no answer and satisfies nothing."""

MAX_CONCISE_WORDS = 26
"""Concise answers of the world have at most 24 words, rambling ones at least 32."""

HELD_OUT_SHARE = 0.25

_WORD = re.compile(r"[a-z']+")


@dataclass(frozen=True, slots=True)
class ToyRequest:
    """A request and the name of its topic."""

    topic: str
    text: str


@dataclass(frozen=True, slots=True)
class Attributes:
    """What an answer is, or is asked to be."""

    polite: bool
    concise: bool
    on_topic: bool


def make_request(rng: random.Random) -> ToyRequest:
    """A request about a random topic; there are about 6,800 different ones."""
    topic = rng.choice(TOPICS)
    form = rng.choice(lexicon.REQUEST_FORMS)
    text = form.format(task=rng.choice(topic.tasks), when=rng.choice(lexicon.WHEN))
    return ToyRequest(topic.name, text)


def is_held_out(text: str) -> bool:
    """Whether a request is kept away from training: a quarter are, by a hash of the text."""
    return hashlib.sha256(text.encode()).digest()[0] < 256 * HELD_OUT_SHARE


def training_requests(rng: random.Random) -> Iterator[ToyRequest]:
    """Requests that models may be trained on, without end, with repetition."""
    while True:
        request = make_request(rng)
        if not is_held_out(request.text):
            yield request


def held_out_requests(rng: random.Random) -> Iterator[ToyRequest]:
    """Different requests that nothing was trained on, until there are no more."""
    seen: set[str] = set()
    misses = 0
    while misses < 10_000:
        request = make_request(rng)
        if is_held_out(request.text) and request.text not in seen:
            seen.add(request.text)
            misses = 0
            yield request
        else:
            misses += 1


def make_answer(request: ToyRequest, rng: random.Random, wanted: Attributes) -> str:
    """An answer with exactly the wanted attributes."""
    topic = topic_named(request.topic)
    if not wanted.on_topic:
        topic = rng.choice([other for other in TOPICS if other is not topic])
    core = _core(topic, rng, concise=wanted.concise)
    openings = lexicon.POLITE_OPENINGS if wanted.polite else lexicon.RUDE_OPENINGS
    closings = lexicon.POLITE_CLOSINGS if wanted.polite else lexicon.RUDE_CLOSINGS
    shape = rng.choice(("open", "close", "both"))
    opening = [rng.choice(openings)] if shape != "close" else []
    closing = [rng.choice(closings)] if shape != "open" else []
    return " ".join([*opening, *core, *closing])


def _core(topic: Topic, rng: random.Random, *, concise: bool) -> list[str]:
    """One tip and perhaps a remark; or two tips among fillers, a tip first."""
    if concise:
        tip = rng.sample(topic.tips, 1)
        return [*tip, rng.choice(topic.remarks)] if rng.random() < 0.4 else tip
    first, second = rng.sample(topic.tips, 2)
    rest = [second, *rng.sample(lexicon.FILLERS, 2)]
    if rng.random() < 0.5:
        rest.append(rng.choice(topic.remarks))
    rng.shuffle(rest)
    return [first, *rest]


def topic_named(name: str) -> Topic:
    return next(topic for topic in TOPICS if topic.name == name)


def topic_of(text: str) -> str | None:
    """The one topic whose words occur in the text; None without any, or with those of several."""
    found = set(_words(text))
    hits = [topic.name for topic in TOPICS if found & set(topic.words)]
    return hits[0] if len(hits) == 1 else None


def is_polite(answer: str) -> bool:
    """Says something friendly and nothing rude."""
    words = _words(answer)
    found = set(words)
    return (
        len(words) >= MIN_WORDS
        and bool(found & lexicon.POLITE_WORDS)
        and not found & lexicon.RUDE_WORDS
    )


def is_concise(answer: str) -> bool:
    return MIN_WORDS <= len(_words(answer)) <= MAX_CONCISE_WORDS


def is_on_topic(request: str, answer: str) -> bool:
    """Speaks of the request's topic and of no other."""
    wanted = topic_of(request)
    return len(_words(answer)) >= MIN_WORDS and wanted is not None and topic_of(answer) == wanted


def is_well_formed(answer: str) -> bool:
    """Whole sentences of the world: each begins with a capital and ends with a mark."""
    sentences = re.findall(r"[^.!?]+[.!?]", answer)
    whole = "".join(sentences) == answer and bool(sentences)
    return whole and all(sentence.strip()[:1].isupper() for sentence in sentences)


def satisfies(principle: PrincipleKey, request: str, answer: str) -> bool:
    """The ground truth: whether an answer keeps a principle."""
    if principle == "polite":
        return is_polite(answer)
    if principle == "concise":
        return is_concise(answer)
    return is_on_topic(request, answer)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
