"""What an import would do, without storing anything."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from corpus.importers.records import CompletionRecord, Record, StepsRecord
from corpus.importers.registry import parse_rows
from corpus.imports.opening import Source
from corpus.imports.report import ImportReport
from corpus.imports.running import note_lines
from corpus.imports.services import Choices, format_for
from corpus.imports.storing import Making, empty_responses, sort_out

SHOWN_RECORDS = 20
SHOWN_REJECTED = 200


@dataclass(slots=True)
class DryRun:
    """`records` are the first ones, as they would go in; `kinds` counts all by their kind.

    The report's counts of what was added are of what the file holds, whether or not the project
    has it already. `whole` says that the file was read to its end.
    """

    report: ImportReport
    records: list[Record] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    whole: bool = True


def dry_run(source: Source, choices: Choices, *, most: int | None = None) -> DryRun:
    """Read a source, or its first `most` rows, as an import would. ImportFileError."""
    one = format_for(source, choices)
    found = DryRun(ImportReport(format=one.NAME))
    making = Making(choices.pair_policy, choices.pairs_per_prompt)
    report = found.report
    for line in parse_rows(source.rows(), one, source.name):
        rejected = note_lines(report, [line])
        report.rejected += rejected[: SHOWN_REJECTED - len(report.rejected)]
        for record in line.records:
            found.kinds[type(record).__name__.removesuffix("Record").lower()] += 1
            if len(found.records) < SHOWN_RECORDS:
                found.records.append(record)
        made = sort_out([(record, line.line) for record in line.records], making)
        pairs = [pair for pair, _ in made.pairs]
        report.pairs_added += len(pairs)
        report.labels_added += sum(len(pair.labels) for pair in pairs)
        for single in made.singles:
            report.completions_added += 1
            if isinstance(single, CompletionRecord):
                report.labels_added += len(single.labels)
            elif isinstance(single, StepsRecord):
                said = (value for labels in single.labels for value in labels.values)
                report.steps_added += sum(value is not None for value in said)
            else:
                report.demonstrations_added += 1
        report.identical += made.identical
        report.empty_responses += empty_responses(pairs, made.singles)
        if most is not None and report.rows >= most:
            found.whole = False
            break
    return found
