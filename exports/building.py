"""Building a dataset folder: streamed from the database, hashed on the way, renamed into place."""

from __future__ import annotations

import json
import logging
import shutil
import time
import uuid
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings
from django.db.models import Max, Q
from django.utils import timezone

from annotation.consensus import Consensus as AllConsensus
from annotation.consensus_selectors import CHOICES, consensus_of
from annotation.models import Label, Rater
from corpus.hashing import sha256_of
from corpus.models import Pair, Project
from corpus.strata import audit, length_stratum
from exports.card import write_card
from exports.consensus import Consensus, Vote, consensus, soft_label
from exports.errors import NothingToFreezeError
from exports.models import DatasetVersion
from exports.rows import FORMAT, PROBABILITY_DIGITS, SCHEMA, SplitHasher, dataset_sha256
from exports.spec import FreezeFilters
from exports.splits import SPLITS, Split, split_of
from exports.verifying import verify_folder
from judging.models import JudgeConfig

logger = logging.getLogger(__name__)

CHUNK_PAIRS = 1_000
ROW_GROUP_ROWS = 2_000
DRAFT_PREFIX = ".draft-"
STALE_DRAFT_SECONDS = 24 * 3600.0
HISTOGRAM_BINS = 10


@dataclass(frozen=True, slots=True)
class Built:
    sha256: str
    manifest: dict[str, Any]


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
    together: Together | None = None

    def count(self, row: dict[str, Any], labels: Sequence[Label]) -> None:
        for name in ("origin", "source", "domain", "difficulty", "language"):
            self.strata[name][row[name]] += 1
        length = sum(len(turn["content"]) for turn in row["prompt"])
        self.strata["length"][length_stratum(length)] += 1
        position = int((row["p_chosen"] - 0.5) * 2 * HISTOGRAM_BINS)
        self.p_chosen[min(position, HISTOGRAM_BINS - 1)] += 1
        self.models.update(m for m in (row["chosen_model"], row["rejected_model"]) if m)
        for label in labels:
            self.label_ids.append(label.pk)
            self.raters.add(label.rater_id)
            if label.guideline is not None:
                self.guidelines.add(label.guideline.sha256)


class Writer:
    """The three Parquet files of a dataset, written in row groups and hashed row by row."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._files = {
            split: stack.enter_context(pq.ParquetWriter(folder / f"{split}.parquet", SCHEMA))
            for split in SPLITS
        }
        self._waiting: dict[Split, list[dict[str, Any]]] = {split: [] for split in SPLITS}
        self.hashers = {split: SplitHasher() for split in SPLITS}

    def add(self, split: Split, row: dict[str, Any]) -> None:
        self.hashers[split].add(row)
        self._waiting[split].append(row)
        if len(self._waiting[split]) >= ROW_GROUP_ROWS:
            self._flush(split)

    def finish(self) -> None:
        for split in SPLITS:
            self._flush(split)

    def _flush(self, split: Split) -> None:
        rows, self._waiting[split] = self._waiting[split], []
        if rows:
            self._files[split].write_table(pa.Table.from_pylist(rows, schema=SCHEMA))


def build(project: Project, name: str, filters: FreezeFilters) -> Built:
    """Write the dataset's folder. NothingToFreezeError leaves nothing behind.

    Labels, pairs and withdrawals made after the start do not count: all are append-only, so that
    the highest ids at the start are a snapshot, and no transaction is held open.
    """
    home = Path(settings.DATASETS_FOLDER)
    home.mkdir(parents=True, exist_ok=True)
    _remove_stale_drafts(home)
    draft = home / f"{DRAFT_PREFIX}{uuid.uuid4().hex}"
    draft.mkdir()
    try:
        tally = Tally()
        with ExitStack() as stack:
            writer = Writer(draft, stack)
            for row, labels in _rows(project, filters, tally):
                split = split_of(
                    row["prompt_sha256"],
                    seed=filters.seed,
                    validation=filters.validation,
                    test=filters.test,
                )
                writer.add(split, row)
                tally.count(row, labels)
            writer.finish()
        if not writer.hashers["train"].rows:
            if sum(one.rows for one in writer.hashers.values()):
                tally.dropped["the split left nothing for train"] += 1
            raise NothingToFreezeError(tally.dropped)
        hashes: dict[str, str] = {split: one.hexdigest() for split, one in writer.hashers.items()}
        sha256 = dataset_sha256(hashes)
        counts = {split: one.rows for split, one in writer.hashers.items()}
        manifest = _manifest(project, name, filters, tally, sha256, hashes, counts)
        (draft / "manifest.json").write_text(
            json.dumps(manifest, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
        )
        write_card(draft, manifest, tally.p_chosen)
        return Built(sha256, _put_in_place(draft, home / sha256, manifest))
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _put_in_place(draft: Path, folder: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Rename the draft, or keep what is there when it is whole; the manifest that stands now."""
    if folder.exists():
        if verify_folder(folder).ok:
            there: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
            return there
        damaged = folder.with_name(f"{folder.name}.damaged-{uuid.uuid4().hex[:8]}")
        logger.warning("%s was damaged; it was moved to %s and built again", folder, damaged.name)
        folder.rename(damaged)
    draft.rename(folder)
    return manifest


def _remove_stale_drafts(home: Path) -> None:
    for leftover in home.glob(f"{DRAFT_PREFIX}*"):
        if time.time() - leftover.stat().st_mtime > STALE_DRAFT_SECONDS:
            shutil.rmtree(leftover, ignore_errors=True)


def _rows(
    project: Project, filters: FreezeFilters, tally: Tally
) -> Iterator[tuple[dict[str, Any], Sequence[Label]]]:
    """Rows in an order of their content: by prompt, then by pair."""
    last_label = Label.objects.aggregate(last=Max("id"))["last"] or 0
    raters = _counting_raters(project, filters)
    together = None
    if filters.consensus != "mean":
        together = Together(
            consensus_of(project, filters.consensus, raters=raters, until_label=last_label)
        )
        tally.together = together
    pairs = _pairs(project, filters).iterator(chunk_size=CHUNK_PAIRS)
    while chunk := list(islice(pairs, CHUNK_PAIRS)):
        labels = _labels(chunk, raters, last_label)
        for pair in chunk:
            if pair.held_back:
                tally.dropped[f"held_back_{pair.held_back}"] += 1
                continue
            votes = labels.get(pair.pk, [])
            decided = [label for label in votes if label.kind == Label.Kind.ADJUDICATION]
            said = _said(pair.pk, decided or votes, filters, together, decided=bool(decided))
            if isinstance(said, Consensus):
                yield _row(pair, said), decided or votes
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
    return (
        Pair.objects.filter(wanted)
        .select_related("prompt", "first__model_version", "second__model_version")
        .order_by("prompt__sha256", "sha256")
    )


def _labels(pairs: Sequence[Pair], raters: set[int], last: int) -> dict[int, list[Label]]:
    """Effective labels per pair as they stood when `last` was the newest label.

    Repeats are left out: they measure their rater, who has spoken for the pair before.
    """
    found = defaultdict(list)
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
    return found


def _vote(label: Label) -> Vote:
    kind: Literal["human", "judge"] = "judge" if label.rater.kind == Rater.Kind.JUDGE else "human"
    return Vote(kind=kind, choice=label.choice, p_first=label.p_first)


def _row(pair: Pair, said: Consensus) -> dict[str, Any]:
    chosen, rejected = pair.first, pair.second
    if said.p_first < 0.5:
        chosen, rejected = rejected, chosen
    prompt = pair.prompt
    return {
        "prompt": [{"role": t["role"], "content": t["content"]} for t in prompt.messages],
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


def _manifest(
    project: Project,
    name: str,
    filters: FreezeFilters,
    tally: Tally,
    sha256: str,
    hashes: dict[str, str],
    counts: dict[Split, int],
) -> dict[str, Any]:
    configs = JudgeConfig.objects.filter(
        rater__in=tally.raters, constitution_version__isnull=False
    ).select_related("constitution_version__constitution")
    return {
        "format": FORMAT,
        "kind": DatasetVersion.Kind.PREFERENCE.value,
        "sha256": sha256,
        "splits": {split: {"rows": counts[split], "sha256": hashes[split]} for split in SPLITS},
        "name": name,
        "project": project.slug,
        "created_at": timezone.now().isoformat(timespec="seconds"),
        "filters": filters.model_dump(mode="json"),
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
        **({"consensus_estimate": tally.together.as_json()} if tally.together else {}),
        "labels": {
            "count": len(tally.label_ids),
            "ids_sha256": sha256_of(sorted(tally.label_ids)),
            "raters": list(
                Rater.objects.filter(pk__in=tally.raters)
                .order_by("kind", "name")
                .values("name", "kind")
            ),
        },
        "constitutions": {
            str(config.constitution_version): config.constitution_version.sha256
            for config in configs
            if config.constitution_version is not None
        },
        "guidelines": sorted(tally.guidelines),
        "models": sorted(tally.models),
        "parents": [],
        "code_version": settings.CODE_VERSION,
    }
