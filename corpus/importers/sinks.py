"""What is taken from imported records beside the pairs: labels, verdicts, gold answers, slots.

The corpus reads a record whole and stores its pair. What else a record holds belongs to the layers
above, which register here what they take from it when the apps start.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from corpus.importers.records import PairRecord
from corpus.models import Project
from corpus.writing import StoredPair

Sink = Callable[[Project, Sequence[PairRecord], Sequence[StoredPair]], int]
"""Takes a batch's records with their pairs, in the same transaction; answers the labels added."""

_registered: list[Sink] = []


def register_sink(sink: Sink) -> None:
    """Have every import hand its batches to `sink` too, after those registered before it."""
    if sink not in _registered:
        _registered.append(sink)


def take_all(project: Project, records: Sequence[PairRecord], pairs: Sequence[StoredPair]) -> int:
    """Hand a batch to every sink; how many labels were added."""
    return sum(sink(project, records, pairs) for sink in _registered)
