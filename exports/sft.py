"""Building an SFT dataset: revisions of critique runs, with helpful responses mixed in."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pyarrow.parquet as pq
from django.db.models import Prefetch

from constitution.models import Chain, Revision, RevisionRun
from corpus.conversations import characters
from corpus.hashing import sha256_of
from corpus.models import Project
from corpus.strata import length_stratum
from exports.card import write_sft_card
from exports.errors import BadFilterError
from exports.folders import Built, write_dataset
from exports.models import DatasetVersion
from exports.rows import SFT, plain_turns
from exports.spec import SftFilters
from judging.runs.revision_results import prefers_initial

CHUNK_CHAINS = 500
HELPFUL_BATCH = 1_000
LENGTH_BINS = (50, 100, 200, 400, 800, 1_600, 3_200)
"""Upper ends, in characters, of the histogram of completions; the last bin has none."""


@dataclass(slots=True)
class Tally:
    """What is counted while rows stream by."""

    dropped: Counter[str] = field(default_factory=Counter)
    strata: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    lengths: list[int] = field(default_factory=lambda: [0] * (len(LENGTH_BINS) + 1))
    models: set[str] = field(default_factory=set)

    def count(self, row: dict[str, Any]) -> None:
        for name in ("role", "source", "domain", "difficulty", "language"):
            self.strata[name][row[name]] += 1
        for principle in row["principles"]:
            self.strata["principle"][principle] += 1
        self.strata["length"][length_stratum(characters(row["prompt"]))] += 1
        answered = len(row["completion"][0]["content"])
        self.lengths[sum(answered > end for end in LENGTH_BINS)] += 1
        if row["model"]:
            self.models.add(row["model"])


def build_sft(project: Project, name: str, filters: SftFilters) -> Built:
    """Write the dataset's folder.

    Raises:
        BadFilterError: a run or the helpful dataset is not of this project, or a run is not done.
        NothingToFreezeError: no row for training is left; nothing was written.
    """
    runs = _runs(project, filters)
    helpful = _helpful_dataset(project, filters)
    tally = Tally()
    return write_dataset(
        SFT,
        _mixed(runs, helpful, filters, tally),
        filters,
        dropped=tally.dropped,
        about=lambda: _about(project, name, runs, helpful, tally),
        card=lambda folder, manifest: write_sft_card(folder, manifest, LENGTH_BINS, tally.lengths),
    )


def sft_prompts(project: Project, filters: SftFilters) -> Iterator[str]:
    """The prompt of every row that `build_sft` would write; BadFilterError as there."""
    runs, helpful = _runs(project, filters), _helpful_dataset(project, filters)
    for row in _mixed(runs, helpful, filters, Tally()):
        yield row["prompt_sha256"]


def _mixed(
    runs: Sequence[RevisionRun], helpful: DatasetVersion | None, filters: SftFilters, tally: Tally
) -> Iterator[dict[str, Any]]:
    """The rows of the revisions, then the helpful ones for their share."""
    count = 0
    for row in _revisions(runs, filters, tally.dropped):
        count += 1
        tally.count(row)
        yield row
    if helpful is not None:
        share = filters.helpful_share
        for row in _helpful(helpful, round(count * share / (1 - share)), filters.seed):
            tally.count(row)
            yield row


def _runs(project: Project, filters: SftFilters) -> list[RevisionRun]:
    runs = list(
        RevisionRun.objects.filter(project=project, pk__in=filters.runs)
        .select_related("constitution_version__constitution", "model_version")
        .order_by("pk")
    )
    missing = sorted(set(filters.runs) - {run.pk for run in runs})
    if missing:
        raise BadFilterError(f"runs: {project.slug} has no critique run {missing[0]}.")
    for run in runs:
        if not run.is_finished:
            raise BadFilterError(f"runs: {run} is {run.state}; wait until it is finished.")
    return runs


def _helpful_dataset(project: Project, filters: SftFilters) -> DatasetVersion | None:
    if filters.helpful is None or filters.helpful_share == 0:
        return None
    found = DatasetVersion.objects.filter(project=project, sha256=filters.helpful).first()
    if found is None:
        raise BadFilterError(f"helpful: {project.slug} has no dataset version {filters.helpful!r}.")
    if found.kind != DatasetVersion.Kind.PREFERENCE:
        raise BadFilterError(f"helpful: {found} is a dataset of kind {found.kind}, not preference.")
    if not (found.folder / "train.parquet").exists():
        raise BadFilterError(f"helpful: the folder of {found} is missing from this machine.")
    return found


def _revisions(
    runs: Sequence[RevisionRun], filters: SftFilters, dropped: Counter[str]
) -> Iterator[dict[str, Any]]:
    """Rows in an order of their content: by prompt, then by completion."""
    chains = (
        Chain.objects.filter(run__in=runs)
        .exclude(finding="")
        .select_related("prompt", "run__constitution_version", "run__model_version")
        .prefetch_related(
            Prefetch("revisions", Revision.objects.select_related("principle").order_by("round"))
        )
        .order_by("prompt__sha256", "pk")
    )
    against = set(
        Chain.objects.filter(prefers_initial(), run__in=runs).values_list("pk", flat=True)
        if filters.judged
        else ()
    )
    # The chains of one prompt stand together: what two runs agree on is one row.
    of_prompt: dict[str, dict[str, Any]] = {}
    prompt: int | None = None
    stream = chains.iterator(chunk_size=CHUNK_CHAINS)
    while chunk := list(islice(stream, CHUNK_CHAINS)):
        for chain in chunk:
            if chain.prompt_id != prompt:
                yield from (of_prompt[key] for key in sorted(of_prompt))
                of_prompt, prompt = {}, chain.prompt_id
            for row in _rows_of(chain, filters, against, dropped):
                if of_prompt.setdefault(row["completion_sha256"], row) is not row:
                    dropped["duplicate"] += 1
    yield from (of_prompt[key] for key in sorted(of_prompt))


def _rows_of(
    chain: Chain, filters: SftFilters, against: set[int], dropped: Counter[str]
) -> list[dict[str, Any]]:
    """The rows that a chain gives; what it does not give is counted with its reason."""
    if chain.bad:
        dropped["marked_bad"] += 1
        return []
    if chain.finding == Chain.Finding.NOTHING_FOUND and filters.untouched:
        return [_row(chain, chain.initial, "initial", [])]
    if chain.finding != Chain.Finding.REVISED:
        dropped[chain.finding] += 1
        return []
    if chain.pk in against:
        dropped["initial_answer_preferred"] += 1
        return []
    made = [step for step in chain.revisions.all() if step.after]
    rows = [
        _row(chain, step.after, "revision", made[: number + 1]) for number, step in enumerate(made)
    ]
    return rows if filters.revisions == "all" else rows[-1:]


def _row(chain: Chain, text: str, role: str, steps: Sequence[Revision]) -> dict[str, Any]:
    prompt, run = chain.prompt, chain.run
    return {
        "prompt": plain_turns(prompt.messages),
        "completion": [{"role": "assistant", "content": text}],
        "prompt_sha256": prompt.sha256,
        "completion_sha256": sha256_of([prompt.sha256, text]),
        "role": role,
        "round": len(steps),
        "principles": [step.principle.name for step in steps],
        "constitution_sha256": run.constitution_version.sha256,
        "model": run.model_version.name,
        "source": prompt.source,
        "domain": prompt.domain,
        "difficulty": prompt.difficulty,
        "language": prompt.language,
    }


def _helpful(dataset: DatasetVersion, wanted: int, seed: int) -> Iterator[dict[str, Any]]:
    """So many chosen responses of the dataset's train split, drawn by a hash of seed and row."""

    def drawn() -> Iterator[tuple[str, int]]:
        for number, row in enumerate(_parquet(dataset, ["pair_sha256"])):
            yield hashlib.sha256(f"{seed}:{row['pair_sha256']}".encode()).hexdigest(), number

    chosen = {number for _, number in heapq.nsmallest(wanted, drawn())}
    for number, row in enumerate(_parquet(dataset, None)):
        if number not in chosen:
            continue
        text = row["chosen"][0]["content"]
        yield {
            "prompt": plain_turns(row["prompt"]),
            "completion": row["chosen"],
            "prompt_sha256": row["prompt_sha256"],
            "completion_sha256": sha256_of([row["prompt_sha256"], text]),
            "role": "helpful",
            "round": 0,
            "principles": [],
            "constitution_sha256": "",
            "model": row["chosen_model"],
            "source": row["source"],
            "domain": row["domain"],
            "difficulty": row["difficulty"],
            "language": row["language"],
        }


def _parquet(dataset: DatasetVersion, columns: list[str] | None) -> Iterator[dict[str, Any]]:
    with pq.ParquetFile(dataset.folder / "train.parquet") as file:
        for batch in file.iter_batches(batch_size=HELPFUL_BATCH, columns=columns):
            yield from batch.to_pylist()


def _about(
    project: Project,
    name: str,
    runs: Sequence[RevisionRun],
    helpful: DatasetVersion | None,
    tally: Tally,
) -> dict[str, Any]:
    return {
        "name": name,
        "project": project.slug,
        "dropped": dict(sorted(tally.dropped.items())),
        "strata": {key: dict(sorted(values.items())) for key, values in tally.strata.items()},
        "strata_findings": [],
        "runs": [
            {
                "run": run.pk,
                "constitution": str(run.constitution_version),
                "model": run.model_version.name,
                "model_sha256": run.model_version.weights_sha256,
                "engine": run.engine,
                "template": run.template,
                "rounds": run.rounds,
                "seed": run.seed,
                "temperature": run.temperature,
                "max_tokens": run.max_tokens,
            }
            for run in runs
        ],
        "constitutions": {
            str(run.constitution_version): run.constitution_version.sha256 for run in runs
        },
        "models": sorted(tally.models),
        "parents": [] if helpful is None else [helpful.sha256],
    }
