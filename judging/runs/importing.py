"""Verdicts and labels of judges that were made elsewhere and came with imported pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from django.utils import timezone

from annotation.models import Choice, Label, Rater
from annotation.services.importing import (
    NewLabel,
    choice_against,
    ensure_raters,
    label_sha256,
    new_label,
    new_pairs,
    store_labels,
)
from annotation.services.taking_back import is_referred_to, leave_no_empty_rater
from corpus.hashing import sha256_of
from corpus.importers.records import LabelRecord
from corpus.importers.sinks import Batch
from corpus.imports.dependants import Finish
from corpus.models import Import, Project
from corpus.writing import StoredPair
from judging.asking.arithmetic import Order, Reading, combine, outcome
from judging.models import JudgeConfig, Verdict


def judge_label_sink(batch: Batch) -> Counter[str]:
    """Store foreign judges' verdicts and labels; how many labels were new.

    Entries with `order` and `p_a` become verdicts, and their aggregate the judge's label; an entry
    with a choice alone, or with a probability of no order, is a label.
    """
    names = {one.rater for record, _ in batch.pairs for one in record.labels if one.kind == "judge"}
    if not names:
        return Counter()
    configs = _ensure_foreign_judges(batch.project, names)
    verdicts: list[Verdict] = []
    labels: list[NewLabel] = []
    for record, pair in batch.pairs:
        judged = sorted(
            (one for one in record.labels if one.kind == "judge"), key=lambda one: one.rater
        )
        for name, entries in groupby(judged, key=lambda one: one.rater):
            config, said = configs[name], list(entries)
            verdicts += _verdicts(config, pair, said)
            labels += _labels(batch, config, pair, said)
    for verdict in verdicts:
        verdict.source_import_id = batch.import_id
    Verdict.objects.bulk_create(verdicts, ignore_conflicts=True)
    return Counter(labels=store_labels(labels, new_pairs=new_pairs(batch)))


def _ensure_foreign_judges(project: Project, names: set[str]) -> dict[str, JudgeConfig]:
    raters = ensure_raters(project, Rater.Kind.JUDGE, names)
    JudgeConfig.objects.bulk_create(
        [JudgeConfig(project=project, rater=rater) for rater in raters.values()],
        ignore_conflicts=True,
    )
    configs = JudgeConfig.objects.select_related("rater").filter(rater__in=raters.values())
    return {config.rater.name: config for config in configs}


def _readings(pair: StoredPair, entries: Sequence[LabelRecord]) -> list[Reading]:
    """Probabilities and orders, turned from response_a and response_b to the pair's own order."""
    readings: dict[Order, Reading] = {}
    for entry in entries:
        if entry.order is None or entry.p_a is None:
            continue
        order: Order = entry.order if pair.a_is_first else ("ba" if entry.order == "ab" else "ab")
        readings[order] = Reading(order, entry.p_a if pair.a_is_first else 1.0 - entry.p_a)
    return list(readings.values())


def _verdicts(
    config: JudgeConfig, pair: StoredPair, entries: Sequence[LabelRecord]
) -> list[Verdict]:
    return [
        Verdict(
            config=config,
            pair_id=pair.row.pk,
            order=reading.order,
            status=Verdict.Status.OK,
            p_first=reading.p_first,
        )
        for reading in _readings(pair, entries)
    ]


def _labels(
    batch: Batch, config: JudgeConfig, pair: StoredPair, entries: Sequence[LabelRecord]
) -> list[NewLabel]:
    """The labels of entries without a probability, and the one that the probabilities come to."""
    now = timezone.now()
    labels = [
        new_label(
            batch,
            pair,
            config.rater,
            entry,
            choice_against(pair, entry.choice),
            label_sha256(pair, entry),
            now,
        )
        for entry in entries
        if entry.p_a is None and entry.choice is not None
    ]
    for entry in entries:
        if entry.order is None and entry.p_a is not None:
            soft = entry.p_a if pair.a_is_first else 1.0 - entry.p_a
            choice = (
                choice_against(pair, entry.choice)
                if entry.choice is not None
                else Choice(outcome(soft, tie_band=config.tie_band))
            )
            identity = sha256_of([label_sha256(pair, entry), soft])
            labels.append(new_label(batch, pair, config.rater, entry, choice, identity, now, soft))
    asked = [entry for entry in entries if entry.order is not None]
    p_first = combine(_readings(pair, entries))
    if p_first is not None:
        choice = Choice(outcome(p_first, tie_band=config.tie_band))
        identity = sha256_of([config.rater.name, "judge", p_first])
        labels.append(
            new_label(batch, pair, config.rater, asked[0], choice, identity, now, p_first)
        )
    return labels


def leave_no_empty_judge(job: Import) -> Finish:
    """When an import is taken back: foreign judges that it spoke of and that are left without
    anything go."""
    known = Label.objects.filter(source_import=job, rater__kind=Rater.Kind.JUDGE)
    raters = set(known.values_list("rater", flat=True))
    said = Verdict.objects.filter(source_import=job).values_list("config__rater", flat=True)
    raters |= set(said.distinct())

    def finish() -> None:
        for config in JudgeConfig.objects.filter(rater__in=raters, model_version=None):
            if not is_referred_to(config):
                config.delete()
        leave_no_empty_rater(raters)

    return finish
