"""What is taken from imported records beside the texts: labels, verdicts, gold answers, slots.

The corpus reads a record whole and stores its texts. What else a record holds belongs to the layers
above, which register here what they take from it when the apps start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from corpus.importers.records import (
    CompletionRecord,
    DemonstrationRecord,
    PairRecord,
    StepsRecord,
)
from corpus.models import Import, Project
from corpus.writing import StoredCompletion, StoredPair

SingleRecord = CompletionRecord | StepsRecord | DemonstrationRecord


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that were stored together, each with where it ended up. `source` is the import."""

    project: Project
    source: Import | None
    pairs: Sequence[tuple[PairRecord, StoredPair]]
    completions: Sequence[tuple[SingleRecord, StoredCompletion]] = ()

    @property
    def import_id(self) -> int | None:
        return self.source.pk if self.source else None


Sink = Callable[[Batch], Counter[str]]
"""Takes a batch, in the same transaction; answers what it added: `labels`, `steps`."""

Welcome = Callable[[Project, Sequence[StoredPair]], None]
"""Is told of new pairs, in the same transaction, whatever made them."""

_sinks: list[Sink] = []
_welcomes: list[Welcome] = []


def register_sink(sink: Sink) -> None:
    """Have every import hand its batches to `sink` too, after those registered before it."""
    if sink not in _sinks:
        _sinks.append(sink)


def take_all(batch: Batch) -> Counter[str]:
    """Hand a batch to every sink; what they added, summed."""
    added: Counter[str] = Counter()
    for sink in _sinks:
        added += sink(batch)
    return added


def register_welcome(welcome: Welcome) -> None:
    """Have `welcome` told of every pair that is new: imported, sent through the API, sampled."""
    if welcome not in _welcomes:
        _welcomes.append(welcome)


def welcome_all(project: Project, pairs: Sequence[StoredPair]) -> None:
    """Tell of the new ones among the pairs."""
    new = [pair for pair in pairs if pair.is_new]
    for welcome in _welcomes if new else ():
        welcome(project, new)
