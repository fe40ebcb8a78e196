"""AlpacaEval annotations: two outputs, and a judge's probability that the second is better.

Source: github.com/tatsu-lab/alpaca_eval; its `preference` is 1 for the first output, 2 for the
second, between them 1 + P(second is better), and 0 for a draw. AlpacaFarm's annotations by people
have the same fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from corpus.importers.reading import Row, RowError, number, rest, short, text
from corpus.importers.records import ImportedChoice, LabelRecord, PairRecord, Record

NAME = "alpaca-eval"
TITLE = "AlpacaEval annotations"
RATER = "alpaca-eval"
NEEDED = frozenset({"instruction", "output_1", "output_2", "preference"})
USED = (*NEEDED, "generator_1", "generator_2", "annotator", "annotator_index", "dataset")
DECIMALS = 12
"""Of a probability, so that 2 - 1.93 is 0.07."""


def recognises(rows: Sequence[Mapping[str, Any]]) -> int:
    """2 where rows have an instruction, two numbered outputs and a preference."""
    return 2 * any(row.keys() >= NEEDED for row in rows)


def parse(row: Row) -> list[Record]:
    """The pair of a row; without a label where the judge gave no preference."""
    fields = row.fields
    label = _label(fields)
    metadata = rest(fields, USED)
    if label is None:
        metadata["unscored_by"] = _rater(fields)
    return [
        PairRecord(
            prompt=text(fields, "instruction"),  # type: ignore[arg-type]
            response_a=text(fields, "output_1"),
            response_b=text(fields, "output_2"),
            model_a=short(fields.get("generator_1")) or None,
            model_b=short(fields.get("generator_2")) or None,
            source=short(fields.get("dataset")) or row.source,
            labels=(label,) if label else (),
            metadata=metadata,
        )
    ]


def _rater(fields: Mapping[str, Any]) -> str:
    if fields.get("annotator_index") is not None:
        return f"annotator {short(fields['annotator_index'], 100)}"
    return short(fields.get("annotator")).strip() or RATER


def _label(fields: Mapping[str, Any]) -> LabelRecord | None:
    """A judge's probability, which is of no order: the annotators draw one and turn the answer
    back. A person's choice."""
    said = fields.get("preference")
    if said is None:
        return None
    preference = number(said)
    if preference is None or not (preference == 0 or 1 <= preference <= 2):
        raise RowError(
            f"preference: must be a number from 1 (output_1) to 2 (output_2), or null, got "
            f"{short(said, 60)!r}"
        )
    p_a = 0.5 if preference == 0 else round(2 - preference, DECIMALS)
    if fields.get("annotator_index") is None:
        return LabelRecord(rater=_rater(fields), kind="judge", p_a=p_a)
    choice: ImportedChoice = "equal" if p_a == 0.5 else ("a" if p_a > 0.5 else "b")
    return LabelRecord(rater=_rater(fields), choice=choice)
