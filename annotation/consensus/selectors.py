"""The consensus of a project's labels."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import numpy as np

from annotation.consensus.methods import Consensus, Labels, dawid_skene, majority
from annotation.models import Choice, Label, Rater
from annotation.quality.certification import uncertified
from corpus.models import Project

Method = Literal["majority", "dawid_skene"]
Kinds = Literal["human", "judge", "both"]
METHODS = {"majority": majority, "dawid_skene": dawid_skene}
CHOICES = tuple(Choice.values)


def consensus_of(
    project: Project,
    method: Method = "majority",
    kinds: Kinds = "both",
    *,
    raters: Collection[int] | None = None,
    until_label: int | None = None,
    pair: int | None = None,
) -> Consensus:
    """What the project's raters say together, choices in the order of `CHOICES`; of one `pair`
    alone where it is given.

    `kinds` is human-only, judge-only or joint. Labels of raters who are suspended,
    or in calibration and never certified, are left out, unless
    `raters` names whose labels count. A senior's decision settles its pair; repeats and edits are
    left out. `until_label` is the newest label that counts.
    """
    if raters is None:
        counting = (
            Rater.objects.filter(project=project)
            .exclude(status=Rater.Status.SUSPENDED)
            .exclude(pk__in=uncertified(project))
        )
        if kinds != "both":
            counting = counting.filter(kind=kinds)
        raters = set(counting.values_list("pk", flat=True))
    labels = Label.objects.filter(project=project, rater__in=raters, withdrawn=False)
    if pair is not None:
        labels = labels.filter(pair=pair)
    if until_label is None:
        labels = labels.filter(superseded_by__isnull=True)
    else:
        labels = labels.filter(pk__lte=until_label).exclude(superseded_by__pk__lte=until_label)
    code = {choice: number for number, choice in enumerate(CHOICES)}
    decided = labels.filter(kind=Label.Kind.ADJUDICATION).order_by("pk")
    settled = {pair: code[choice] for pair, choice in decided.values_list("pair_id", "choice")}
    rows = np.fromiter(
        (
            (pair, rater, code[choice])
            for pair, rater, choice in labels.filter(
                kind__in=[Label.Kind.JUDGEMENT, Label.Kind.ADJUDICATION]
            )
            .order_by("pair_id", "pk")
            .values_list("pair_id", "rater_id", "choice")
            .iterator(10_000)
        ),
        dtype=[("pair", np.int64), ("rater", np.int64), ("choice", np.int64)],
    )
    return METHODS[method](
        Labels(rows["pair"], rows["rater"], rows["choice"], len(CHOICES)), settled
    )
