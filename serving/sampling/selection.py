"""Which prompts a sampling run answers, settled when it is launched."""

from __future__ import annotations

from django.db.models import Exists, Max, OuterRef, QuerySet

from corpus.models import Pair, Project, Prompt
from corpus.prompts import PromptSelection, selected_prompts


class SamplingSelection(PromptSelection):
    """The prompts of a run, and between which of their completions pairs are made.

    Prompts and pairs that came in after `prompts_up_to` and `pairs_up_to` (their ids) are not
    looked at: a run that is taken up again answers the same prompts, though it has made pairs of
    some of them meanwhile. None is no bound.
    """

    with_pairs: bool = False
    """Prompts that have pairs already are answered too."""
    between_models: bool = False
    """Pairs are made only between completions of different models."""
    prompts_up_to: int | None = None
    pairs_up_to: int | None = None


def settled(project: Project, selection: SamplingSelection) -> SamplingSelection:
    """The selection as of now."""
    prompts = Prompt.objects.filter(project=project).aggregate(last=Max("pk"))["last"]
    pairs = Pair.objects.filter(project=project).aggregate(last=Max("pk"))["last"]
    return selection.model_copy(update={"prompts_up_to": prompts or 0, "pairs_up_to": pairs or 0})


def prompts_to_sample(project_id: int, selection: SamplingSelection) -> QuerySet[Prompt]:
    """In primary-key order."""
    among = Prompt.objects.all()
    if selection.prompts_up_to is not None:
        among = among.filter(pk__lte=selection.prompts_up_to)
    if not selection.with_pairs:
        among = among.filter(~Exists(_pairs(selection.pairs_up_to)))
    return selected_prompts(project_id, selection, among)


def _pairs(up_to: int | None) -> QuerySet[Pair]:
    pairs = Pair.objects.filter(prompt=OuterRef("pk"))
    return pairs if up_to is None else pairs.filter(pk__lte=up_to)
