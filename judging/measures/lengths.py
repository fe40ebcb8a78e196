"""Whether a judge's questions fit its model, before any of them is asked."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet

from constitution.selectors import compared_principles
from corpus.models import ModelVersion, Pair
from inference.engine import Request
from inference.lengths import LengthReport
from judging.asking.prompts import all_together, template_named
from judging.models import JudgeConfig, JudgeRun
from judging.selectors import PairSelection, pairs_to_judge
from serving.lengths import lengths_on

SAMPLE_PAIRS = 500
# The letter of an answer.
ANSWER_TOKENS = 1
# The question for the letter after the reasoning, and the letter.
VERDICT_TOKENS = 64


def judge_lengths(run: JudgeRun, config: JudgeConfig) -> LengthReport | None:
    """How the questions on an even sample of the run's pairs fit the model's context."""
    selection = PairSelection.model_validate(run.selection)
    return lengths_of(config, pairs_to_judge(config, selection))


def lengths_of(config: JudgeConfig, pairs: QuerySet[Pair]) -> LengthReport | None:
    """How the questions on an even sample of these pairs fit the judge's model.

    Only the longest principle is asked about, or all where they are asked about together. None
    where that cannot be known here: the model is known by name alone, or its context is not.
    """
    model = config.model_version
    if model is None or model.kind == ModelVersion.Kind.API:
        return None
    settings = config.settings
    room = settings.max_tokens + VERDICT_TOKENS if settings.mode == "reasoned" else ANSWER_TOKENS
    return lengths_on(model, _questions(config, pairs), room=room)


def _questions(config: JudgeConfig, pairs: QuerySet[Pair]) -> Iterator[Request]:
    step = max(1, pairs.count() // SAMPLE_PAIRS)
    sample = list(pairs.values_list("pk", flat=True)[::step])
    version = config.constitution_version
    texts = [one.comparison for one in compared_principles(version)] if version is not None else []
    together = config.settings.principles == "together"
    text = all_together(texts) if together else max(texts, key=len, default="")
    ask = template_named(config.template)
    settings = config.settings
    chosen = Pair.objects.filter(pk__in=sample).select_related("prompt", "first", "second")
    for pair in chosen.iterator(chunk_size=100):
        yield Request(
            ask(
                text,
                pair.prompt.messages,
                pair.first.text,
                pair.second.text,
                reference=pair.prompt.reference if settings.use_reference else "",
                few_shots=settings.few_shots,
            )
        )
