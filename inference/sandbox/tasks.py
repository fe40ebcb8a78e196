"""What the sandbox model is taught: answering, judging, criticising, revising, and naming.

A judge's example asks several questions about one pair, so that one pair gives several lessons:
which answer the principles prefer, and the topics, tones and lengths by name. The naming questions
only help the representation; at inference the judge is asked one principle directly. Once it has
begun to judge, it also learns to prefer any answer of the world to one that deserves nothing.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, replace

from inference.sandbox.prompts import (
    PRINCIPLES,
    critique_messages,
    pair_text,
    revise_messages,
)
from inference.sandbox.world import (
    Attributes,
    PrincipleKey,
    ToyRequest,
    make_answer,
    topic_of,
    training_requests,
)
from inference.sandbox.worthless import EVEN, KINDS, MOSTLY_CONSTANT, Mix, make_worthless

PARAPHRASES: dict[PrincipleKey, tuple[str, ...]] = {
    "polite": ("Which response is more polite?", "Choose the more polite response."),
    "concise": ("Which response is more concise?", "Choose the shorter response."),
    "on_topic": ("Which response is on topic?", "Choose the response about the right topic."),
}
RESISTS_FROM = 0.3
"""The progress from which answers that deserve nothing are shown: before, they would only distract
from learning topics, which takes the judge longest."""

REVISED: tuple[PrincipleKey, ...] = ("polite", "concise")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to a request, with what each of them is."""

    request: ToyRequest
    answers: tuple[str, str]
    attributes: tuple[Attributes, Attributes]


@dataclass(frozen=True, slots=True)
class Lesson:
    """Turns of (role, content), and the pair that a judge's lesson is about.

    `verdict` marks lessons whose replies are a verdict in a few tokens among hundreds: the loss
    weighs them more. Answers are not: a weight by length would make the model terse.
    """

    turns: tuple[tuple[str, str], ...]
    pair: Pair | None = None
    verdict: bool = False
    real: tuple[bool, bool] | None = None
    """Of a judge's lesson, which of A and B are answers at all; None for padded ones, too."""


def lesson(rng: random.Random, *, progress: float) -> Lesson:
    """One lesson; `progress` in [0, 1] moves the mixture from judging to writing."""
    request = next(training_requests(rng))
    kinds = (judging, resisting, answering, criticising, revising)
    if progress < RESISTS_FROM:
        weights = (0.85, 0.0, 0.05, 0.03, 0.07)
    elif progress < 0.5:
        weights = (0.75, 0.1, 0.05, 0.03, 0.07)
    else:
        weights = (0.42, 0.08, 0.25, 0.09, 0.16)
    kind = rng.choices(kinds, weights)[0]
    return kind(request, rng, short=progress < 0.12)


def later_lesson(rng: random.Random) -> Lesson:
    """One lesson of the second course: judging, with many worthless answers."""
    request = next(training_requests(rng))
    kind = rng.choices(LATER, (0.34, 0.24, 0.18, 0.04, 0.2))[0]
    return kind(request, rng, short=False)


def last_lesson(rng: random.Random) -> Lesson:
    """One lesson of the third course: writing, with judging kept alive."""
    request = next(training_requests(rng))
    kind = rng.choices(LATER, (0.12, 0.08, 0.34, 0.04, 0.42))[0]
    return kind(request, rng, short=False)


def closing_lesson(rng: random.Random) -> Lesson:
    """One lesson of the fourth course: judging and revising in like measure."""
    request = next(training_requests(rng))
    kind = rng.choices(LATER, (0.3, 0.08, 0.2, 0.04, 0.38))[0]
    return kind(request, rng, short=False)


def answering(request: ToyRequest, rng: random.Random, *, short: bool) -> Lesson:
    wanted = Attributes(_coin(rng), _coin(rng), on_topic=rng.random() < 0.95)
    return _dialogue((request.text, make_answer(request, rng, wanted)))


def criticising(request: ToyRequest, rng: random.Random, *, short: bool) -> Lesson:
    about = Attributes(_coin(rng), _coin(rng), _coin(rng))
    principle = PRINCIPLES[rng.choice(tuple(PRINCIPLES))]
    answer = make_answer(request, rng, about)
    asked = critique_messages(principle.critique_request, request.text, answer)
    kept = asdict(about)[principle.key]
    return _verdict((asked[0].content, principle.nothing_found if kept else principle.fault_found))


def revising(request: ToyRequest, rng: random.Random, *, short: bool) -> Lesson:
    """An answer that keeps the principle already stays as it is."""
    before = Attributes(_coin(rng), _coin(rng), on_topic=rng.random() < 0.9)
    principle = PRINCIPLES[rng.choice(REVISED)]
    seed = rng.randrange(2**30)
    answer = make_answer(request, random.Random(seed), before)
    after = Attributes(**{**asdict(before), principle.key: True})
    revised = make_answer(request, random.Random(seed), after)
    kept = asdict(before)[principle.key]
    critique = principle.nothing_found if kept else principle.fault_found
    asked = revise_messages(principle.revision_request, request.text, answer, critique)
    return _dialogue((asked[0].content, revised))


def judging(request: ToyRequest, rng: random.Random, *, short: bool) -> Lesson:
    pair = make_pair(request, rng, short=short)
    one, other = (asdict(attributes) for attributes in pair.attributes)
    questions = [
        (_wording(key, rng), "A" if one[key] else "B")
        for key in PRINCIPLES
        if one[key] != other[key]
    ]
    topics = " ".join(str(topic_of(answer)) for answer in pair.answers)
    questions.append(("Name the topics.", f"{request.topic} {topics}"))
    questions.append(("Name the tones.", _names(pair, "polite", "polite", "rude")))
    questions.append(("Name the lengths.", _names(pair, "concise", "short", "long")))
    rng.shuffle(questions)
    (first, reply), *others = questions
    context = pair_text(request.text, *pair.answers)
    return replace(_verdict((context + first, reply), *others, pair=pair), real=(True, True))


def resisting(request: ToyRequest, rng: random.Random, *, short: bool, mix: Mix = EVEN) -> Lesson:
    """Whatever is asked, the answer wins, be it rude, rambling or off topic."""
    real = make_answer(request, rng, Attributes(_coin(rng), _coin(rng), _coin(rng)))
    kind = rng.choice(KINDS) if mix == EVEN else rng.choices(KINDS, mix.kinds)[0]
    worthless = make_worthless(kind, real, rng, mix)
    real_first = _coin(rng)
    answers = (real, worthless) if real_first else (worthless, real)
    questions = [(_wording(key, rng), "A" if real_first else "B") for key in PRINCIPLES]
    rng.shuffle(questions)
    (first, reply), *others = questions
    asked = _verdict((pair_text(request.text, *answers) + first, reply), *others)
    return asked if kind == "padded" else replace(asked, real=(real_first, not real_first))


def resist_constants(request: ToyRequest, rng: random.Random, *, short: bool) -> Lesson:
    return resisting(request, rng, short=short, mix=MOSTLY_CONSTANT)


LATER = (judging, resist_constants, answering, criticising, revising)


def make_pair(
    request: ToyRequest,
    rng: random.Random,
    *,
    short: bool = False,
    differ: PrincipleKey | None = None,
) -> Pair:
    """Two random answers; each attribute differs in three of four pairs, `differ` in all."""
    keys = tuple(PRINCIPLES)
    one = {key: _coin(rng) for key in keys}
    other = {key: value != (rng.random() < 0.75) for key, value in one.items()}
    if short:
        one["concise"] = other["concise"] = True
    if differ is not None:
        other[differ] = not one[differ]
    attributes = (Attributes(**one), Attributes(**other))
    answers = (make_answer(request, rng, attributes[0]), make_answer(request, rng, attributes[1]))
    return Pair(request, answers, attributes)


def _wording(key: PrincipleKey, rng: random.Random) -> str:
    comparison = PRINCIPLES[key].comparison
    return rng.choice((comparison, *PARAPHRASES[key])) if rng.random() < 0.4 else comparison


def _names(pair: Pair, key: PrincipleKey, yes: str, no: str) -> str:
    return " ".join(yes if asdict(one)[key] else no for one in pair.attributes)


def _dialogue(*exchanges: tuple[str, str]) -> Lesson:
    turns: list[tuple[str, str]] = []
    for question, reply in exchanges:
        turns += [("user", question), ("assistant", reply)]
    return Lesson(tuple(turns))


def _verdict(*exchanges: tuple[str, str], pair: Pair | None = None) -> Lesson:
    return Lesson(_dialogue(*exchanges).turns, pair, verdict=True)


def _coin(rng: random.Random) -> bool:
    return rng.random() < 0.5
