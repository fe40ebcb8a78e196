"""Building a preference dataset: one row per pair, streamed from the database."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from django.db.models import Max, Q

from annotation.agreement.counts import agreement_counts
from annotation.agreement.report import agreement_of_kinds
from annotation.consensus.methods import Consensus as AllConsensus
from annotation.consensus.selectors import CHOICES, consensus_of
from annotation.models import Label, Rater
from annotation.quality.certification import NOT_CERTIFIED, uncertified
from corpus.conversations import characters
from corpus.errors import PairSetError
from corpus.hashing import sha256_of
from corpus.models import Pair, PairSet, Project
from corpus.pair_sets import pair_set
from corpus.strata import audit, length_stratum
from exports.card import write_card
from exports.consensus import Consensus, Vote, consensus, soft_label
from exports.errors import BadFilterError
from exports.folders import Built, write_dataset
from exports.rows import PREFERENCE, PROBABILITY_DIGITS, plain_turns
from exports.spec import FreezeFilters
from judging.models import JudgeConfig
from judging.runs.gate import kept_out, standings

CHUNK_PAIRS = 1_000
HISTOGRAM_BINS = 10


@dataclass(slots=True)
class Tally:
    """What is counted while rows stream by."""

    dropped: Counter[str] = field(default_factory=Counter)
    strata: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    p_chosen: list[int] = field(default_factory=lambda: [0] * HISTOGRAM_BINS)
    label_ids: array[int] = field(default_factory=lambda: array("q"))
    raters: set[int] = field(default_factory=set)
    guidelines: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)
    kept_out: dict[int, str] = field(default_factory=dict)
    together: Together | None = None

    def count(self, row: dict[str, Any], labels: Sequence[Label]) -> None:
        for name in ("origin", "source", "domain", "difficulty", "language"):
            self.strata[name][row[name]] += 1
        length = characters(row["prompt"])
        self.strata["length"][length_stratum(length)] += 1
        position = int((row["p_chosen"] - 0.5) * 2 * HISTOGRAM_BINS)
        self.p_chosen[min(position, HISTOGRAM_BINS - 1)] += 1
        self.models.update(m for m in (row["chosen_model"], row["rejected_model"]) if m)
        for label in labels:
            self.label_ids.append(label.pk)
            self.raters.add(label.rater_id)
            if label.guideline is not None:
                self.guidelines.add(label.guideline.sha256)


def build(project: Project, name: str, filters: FreezeFilters) -> Built:
    """Write the dataset's folder. NothingToFreezeError leaves nothing behind; BadFilterError where
    the picked pairs are not there.

    Labels, pairs and withdrawals made after the start do not count: all are append-only, so that
    the highest ids at the start are a snapshot, and no transaction is held open.
    """
    tally = Tally()
    return write_dataset(
        PREFERENCE,
        _counted(_rows(project, filters, tally), tally),
        filters,
        dropped=tally.dropped,
        about=lambda: _about(project, name, filters, tally),
        card=lambda folder, manifest: write_card(folder, manifest, tally.p_chosen),
    )


def preference_prompts(project: Project, filters: FreezeFilters) -> Iterator[str]:
    """The prompt of every row that `build` would write."""
    for row, _ in _rows(project, filters, Tally()):
        yield row["prompt_sha256"]


def _counted(
    rows: Iterator[tuple[dict[str, Any], Sequence[Label]]], tally: Tally
) -> Iterator[dict[str, Any]]:
    for row, labels in rows:
        tally.count(row, labels)
        yield row


def _rows(
    project: Project, filters: FreezeFilters, tally: Tally
) -> Iterator[tuple[dict[str, Any], Sequence[Label]]]:
    """Rows in an order of their content: by prompt, then by pair."""
    last_label = Label.objects.aggregate(last=Max("id"))["last"] or 0
    raters = _counting_raters(project, filters)
    barred = kept_out(project)
    if filters.include_uncertified:
        barred = {rater: why for rater, why in barred.items() if NOT_CERTIFIED not in why}
    else:
        barred |= dict.fromkeys(uncertified(project).values_list("pk", flat=True), NOT_CERTIFIED)
    tally.kept_out = {rater: why for rater, why in barred.items() if rater in raters}
    raters -= set(tally.kept_out)
    together = None
    if filters.consensus != "mean":
        together = Together(
            consensus_of(project, filters.consensus, raters=raters, until_label=last_label)
        )
        tally.together = together
    pairs = _pairs(project, filters).iterator(chunk_size=CHUNK_PAIRS)
    while chunk := list(islice(pairs, CHUNK_PAIRS)):
        labels, others = _labels(chunk, raters, set(tally.kept_out), last_label)
        for pair in chunk:
            if pair.held_back:
                tally.dropped[f"held_back_{pair.held_back}"] += 1
                continue
            votes = labels.get(pair.pk, [])
            decided = [label for label in votes if label.kind == Label.Kind.ADJUDICATION]
            said = _said(pair.pk, decided or votes, filters, together, decided=bool(decided))
            if isinstance(said, Consensus):
                yield _row(pair, said), decided or votes
            elif not votes and pair.pk in others:
                label = others[pair.pk]
                tally.dropped[f"{label.rater.kind}_{tally.kept_out[label.rater_id]}"] += 1
            else:
                tally.dropped[said] += 1


class Together:
    """All raters' consensus, by pair."""

    def __init__(self, found: AllConsensus) -> None:
        self.found = found
        self._place = {pair: place for place, pair in enumerate(found.pairs.tolist())}

    def distribution(self, pair: int) -> list[float] | None:
        place = self._place.get(pair)
        return None if place is None else self.found.distribution[place].tolist()

    def as_json(self) -> dict[str, Any]:
        """What a manifest says of the estimate."""
        return {
            "iterations": self.found.iterations,
            "marginals": [round(share, 6) for share in self.found.marginals.tolist()],
            "log_likelihood": self.found.log_likelihood,
            "choices": list(CHOICES),
        }


def _said(
    pair: int,
    votes: Sequence[Label],
    filters: FreezeFilters,
    together: Together | None,
    *,
    decided: bool,
) -> Consensus | str:
    """One soft label, or why there is none. A senior's decision speaks for the pair, however many
    labels it settles."""
    least = 1 if decided else filters.min_labels
    if together is None:
        cast = [_vote(label) for label in votes]
        return consensus(cast, tie_band=filters.tie_band, min_labels=least)
    distribution = together.distribution(pair)
    if distribution is None or not votes:
        return "no_label"
    if len(votes) < least:
        return "too_few_labels"
    humans = sum(label.rater.kind == Rater.Kind.HUMAN for label in votes)
    return soft_label(distribution, humans, len(votes) - humans, tie_band=filters.tie_band)


def _counting_raters(project: Project, filters: FreezeFilters) -> set[int]:
    raters = Rater.objects.filter(project=project)
    if filters.raters != "both":
        raters = raters.filter(kind=filters.raters)
    if not filters.include_suspended:
        raters = raters.exclude(status=Rater.Status.SUSPENDED)
    return set(raters.values_list("pk", flat=True))


def _pairs(project: Project, filters: FreezeFilters) -> Any:
    wanted = Q(project=project)
    for column, value in (
        ("batch", filters.batch),
        ("origin", filters.origin),
        ("prompt__domain", filters.domain),
    ):
        if value is not None:
            wanted &= Q(**{column: value})
    if filters.picked is not None:
        wanted &= Q(sets=_picked(project, filters.picked))
    return (
        Pair.objects.filter(wanted)
        .select_related("prompt", "first__model_version", "second__model_version")
        .order_by("prompt__sha256", "sha256")
    )


def _picked(project: Project, sha256: str) -> PairSet:
    try:
        return pair_set(project, sha256)
    except PairSetError as error:
        raise BadFilterError(str(error)) from error


def _labels(
    pairs: Sequence[Pair], raters: set[int], barred: set[int], last: int
) -> tuple[dict[int, list[Label]], dict[int, Label]]:
    """Effective labels per pair as they stood when `last` was the newest label; and per pair a
    label that does not count because raters like its own are kept out.

    Repeats are left out: they measure their rater, who has spoken for the pair before.
    """
    found = defaultdict(list)
    others: dict[int, Label] = {}
    rows = (
        Label.objects.filter(pair__in=pairs, pk__lte=last, withdrawn=False)
        .exclude(superseded_by__pk__lte=last)
        .exclude(kind=Label.Kind.REPEAT)
        .select_related("rater", "guideline")
        .order_by("pk")
    )
    for label in rows:
        if label.rater_id in raters:
            found[label.pair_id].append(label)
        elif label.rater_id in barred:
            others[label.pair_id] = label
    return found, others


def _vote(label: Label) -> Vote:
    kind: Literal["human", "judge"] = "judge" if label.rater.kind == Rater.Kind.JUDGE else "human"
    return Vote(kind=kind, choice=label.choice, p_first=label.p_first)


def _row(pair: Pair, said: Consensus) -> dict[str, Any]:
    chosen, rejected = pair.first, pair.second
    if said.p_first < 0.5:
        chosen, rejected = rejected, chosen
    prompt = pair.prompt
    return {
        "prompt": plain_turns(prompt.messages),
        "chosen": [{"role": "assistant", "content": chosen.text}],
        "rejected": [{"role": "assistant", "content": rejected.text}],
        "p_chosen": round(max(said.p_first, 1.0 - said.p_first), PROBABILITY_DIGITS),
        "weight": 1.0,
        "prompt_sha256": prompt.sha256,
        "pair_sha256": pair.sha256,
        "chosen_sha256": chosen.sha256,
        "rejected_sha256": rejected.sha256,
        "chosen_model": chosen.model_version.name if chosen.model_version else "",
        "rejected_model": rejected.model_version.name if rejected.model_version else "",
        "n_human": said.n_human,
        "n_judge": said.n_judge,
        "origin": pair.origin,
        "source": prompt.source,
        "domain": prompt.domain,
        "difficulty": prompt.difficulty,
        "language": prompt.language,
    }


def _judges(project: Project, tally: Tally) -> dict[str, dict[str, Any]]:
    """How the judges whose labels are in it stood when it was frozen."""
    standing = standings(project)
    return {
        rater.name: {
            "status": standing[rater.pk].status,
            "attacks_passed": standing[rater.pk].attacks_passed,
            "attackable": standing[rater.pk].attackable,
        }
        for rater in Rater.objects.filter(pk__in=tally.raters, kind=Rater.Kind.JUDGE)
        if rater.pk in standing
    }


def _agreement(project: Project) -> dict[str, Any]:
    """How far the project's raters agreed when it was frozen. The plain names are the humans'."""
    figures = agreement_of_kinds(agreement_counts(project)).as_json()
    return {
        f"{before}{name}": figures[f"{before}{name}"]
        for before in ("", "all_", "judge_")
        for name in ("krippendorff_alpha", "raw_agreement")
    }


def _about_picked(project: Project, filters: FreezeFilters) -> dict[str, Any]:
    """Which pairs were picked, and by which filter; nothing where all of the project were meant."""
    if filters.picked is None:
        return {}
    found = _picked(project, filters.picked)
    return {
        "picked": {"sha256": found.sha256, "pairs": found.size, "filter": found.picked_by},
    }


def _about(project: Project, name: str, filters: FreezeFilters, tally: Tally) -> dict[str, Any]:
    """The manifest's part that is of labels; the rest is of every dataset."""
    configs = JudgeConfig.objects.filter(
        rater__in=tally.raters, constitution_version__isnull=False
    ).select_related("constitution_version__constitution")
    return {
        "name": name,
        "project": project.slug,
        "dropped": dict(sorted(tally.dropped.items())),
        "strata": {key: dict(sorted(values.items())) for key, values in tally.strata.items()},
        "strata_findings": [
            finding.as_json()
            for finding in audit(
                {
                    name: {value: rows for value, rows in values.items() if value}
                    for name, values in tally.strata.items()
                }
            )
        ],
        "consensus": filters.consensus,
        **_about_picked(project, filters),
        **({"consensus_estimate": tally.together.as_json()} if tally.together else {}),
        "labels": {
            "count": len(tally.label_ids),
            "ids_sha256": sha256_of(sorted(tally.label_ids)),
            "raters": list(
                Rater.objects.filter(pk__in=tally.raters)
                .order_by("kind", "name")
                .values("name", "kind")
            ),
            "kept_out": {
                rater.name: tally.kept_out[rater.pk]
                for rater in Rater.objects.filter(pk__in=tally.kept_out).order_by("name")
            },
        },
        "judges": _judges(project, tally),
        "agreement": _agreement(project),
        "constitutions": {
            str(config.constitution_version): config.constitution_version.sha256
            for config in configs
            if config.constitution_version is not None
        },
        "guidelines": sorted(tally.guidelines),
        "models": sorted(tally.models),
        "parents": [],
    }
