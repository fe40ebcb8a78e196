"""What a judge is asked of a pair: under which principles, in which orders, how often."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from constitution.models import Principle
from corpus.models import Pair
from inference.engine import Message, Request
from judging.asking.arithmetic import Order, Reading, drawn
from judging.asking.prompts import all_together, template_named
from judging.asking.settings import JudgeSettings
from judging.models import JudgeConfig, Verdict

BOTH = (Verdict.Order.FIRST_SECOND, Verdict.Order.SECOND_FIRST)


@dataclass(frozen=True, slots=True)
class Question:
    """One call to the judge: a pair under a principle in one order. No `principle`: all of them
    together, or a jury's member, whose place is `sample`."""

    pair: Pair
    principle: Principle | None
    order: Verdict.Order
    sample: int = 0

    @property
    def key(self) -> tuple[int, int | None, str, int]:
        """What the verdict on it is told apart by within its run."""
        principle = None if self.principle is None else self.principle.pk
        return (self.pair.pk, principle, self.order.value, self.sample)

    @property
    def shown(self) -> tuple[str, str]:
        """The completions as they are shown."""
        first, second = self.pair.first.text, self.pair.second.text
        return (first, second) if self.order == Verdict.Order.FIRST_SECOND else (second, first)


class Plan:
    """How a judge's settings become questions, and its verdicts readings again.

    `principles` are those that it asks about; a jury has none, but `members` with their weights.
    """

    def __init__(
        self,
        config: JudgeConfig,
        principles: Sequence[Principle],
        *,
        seed: int = 0,
        members: Sequence[float] = (),
    ) -> None:
        self.settings: JudgeSettings = config.settings
        self.template = config.template
        self._principles = {principle.pk: principle for principle in principles}
        self._ordered = tuple(principles)
        self._seed = seed
        self._members = tuple(members)

    @property
    def both_orders(self) -> bool:
        return self.settings.orders == "both" and self.settings.mode in ("direct", "reasoned")

    @property
    def questions_each(self) -> int:
        """How many questions a pair brings."""
        if self._members:
            return len(self._members)
        principles = {
            "together": 1,
            "one_drawn": 1,
            "ensemble": min(self.settings.ensemble_size or len(self._ordered), len(self._ordered)),
        }[self.settings.principles]
        return principles * (2 if self.both_orders else 1) * self.settings.samples

    def questions(self, pair: Pair) -> list[Question]:
        """All questions on one pair; the same whenever they are asked for."""
        if self._members:
            first = Verdict.Order.FIRST_SECOND
            return [Question(pair, None, first, place) for place in range(len(self._members))]
        return [
            Question(pair, principle, order, sample)
            for principle in self._asked_about(pair)
            for order in self._orders(pair)
            for sample in range(self.settings.samples)
        ]

    def page(self, pairs: Sequence[Pair]) -> Iterator[Question]:
        """The questions of many pairs, those that begin alike one after the other: the engine
        finds their beginning in its prefix cache."""
        of_pairs = [question for pair in pairs for question in self.questions(pair)]
        places = {principle.pk: place for place, principle in enumerate(self._ordered)}
        of_pairs.sort(key=lambda one: -1 if one.principle is None else places[one.principle.pk])
        yield from of_pairs

    def request(self, question: Question) -> Request:
        """The call, with a seed of its own for each sample.

        ValueError where a reference is to be shown and the prompt has none.
        """
        reference = question.pair.prompt.reference if self.settings.use_reference else ""
        if self.settings.use_reference and not reference.strip():
            raise ValueError("the prompt has no reference answer")
        messages: tuple[Message, ...] = template_named(self.template)(
            self._text(question),
            question.pair.prompt.messages,
            *question.shown,
            reference=reference,
            few_shots=self.settings.few_shots,
        )
        return Request(messages=messages, seed=self._seed + question.sample)

    def readings(self, verdicts: Sequence[tuple[int | None, Order, int, float]]) -> list[Reading]:
        """Readings of one pair from its readable verdicts: (principle, order, sample, p_first).

        Samples of one question are averaged; a drawn principle counts once however heavy it is,
        since its weight was in the draw. A jury of which a member is missing gives none.
        """
        if self._members:
            if {sample for _, _, sample, _ in verdicts} != set(range(len(self._members))):
                return []
            votes = self.settings.combine == "majority"
            return [
                Reading("ab", _vote(p) if votes else p, self._members[sample])
                for _, _, sample, p in verdicts
            ]
        of_question: dict[tuple[int | None, Order], list[float]] = {}
        for principle, order, _, p_first in verdicts:
            of_question.setdefault((principle, order), []).append(p_first)
        return [
            Reading(order, sum(said) / len(said), self._weight(principle))
            for (principle, order), said in of_question.items()
        ]

    def _asked_about(self, pair: Pair) -> Sequence[Principle | None]:
        if self.settings.principles == "together":
            return (None,)
        count = 1 if self.settings.principles == "one_drawn" else self.settings.ensemble_size
        if not count or count >= len(self._ordered):
            return self._ordered
        weights = [principle.weight for principle in self._ordered]
        places = drawn(weights, count, self._seed, "principle", pair.sha256)
        return [self._ordered[place] for place in places]

    def _orders(self, pair: Pair) -> Sequence[Verdict.Order]:
        if self.settings.mode == "verifier":
            return BOTH[:1]
        if self.both_orders:
            return BOTH
        return (BOTH[drawn((1, 1), 1, self._seed, "order", pair.sha256)[0]],)

    def _text(self, question: Question) -> str:
        if question.principle is not None:
            return question.principle.comparison
        return all_together([principle.comparison for principle in self._ordered])

    def _weight(self, principle: int | None) -> float:
        if principle is None:
            return 1.0
        few_drawn = self.settings.principles == "one_drawn" or (
            0 < self.settings.ensemble_size < len(self._ordered)
        )
        return 1.0 if few_drawn else self._principles[principle].weight


def _vote(p_first: float) -> float:
    return 0.5 if p_first == 0.5 else float(p_first > 0.5)
