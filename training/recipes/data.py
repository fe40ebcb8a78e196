"""Reading a dataset version: Parquet in, token ids with soft labels and weights out.

DataError
└── raised for a split that is missing, has wrong columns or holds a row that cannot be used

A pair whose prompt and completion are longer than `max_length` tokens is cut at the end and
counted as truncated; a pair where nothing is left of a completion is dropped and counted. Both
follow what `trl.DPOTrainer` would do silently. Dropped and counted, too, is what the model's chat
template refuses: tools that it has no place for, or roles that it does not know.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset

from inference.conversations import read_messages
from inference.rendering import TemplateRefusalError, apply_template, template_turns

REQUIRED = ("prompt", "chosen", "rejected")
OPTIONAL = ("p_chosen", "weight")
BATCH_ROWS = 256
NO_COMPLETION = "no_completion_tokens"
REFUSED = "refused_by_chat_template"

# The layout on disk; int32 holds every vocabulary and halves the memory of Python's integers.
_TOKENS = pa.list_(pa.int32())
_SCHEMA = pa.schema(
    [
        ("prompt_ids", _TOKENS),
        ("chosen_ids", _TOKENS),
        ("rejected_ids", _TOKENS),
        ("p_chosen", pa.float32()),
        ("weight", pa.float32()),
    ]
)


class DataError(ValueError):
    """A dataset that cannot be used; the message names the file, the row and the value."""


@dataclass(frozen=True, slots=True)
class TokenisedPair:
    """One pair as token ids; the completions are cut so that prompt + completion fits."""

    prompt_ids: list[int]
    chosen_ids: list[int]
    rejected_ids: list[int]
    truncated: bool


@dataclass(slots=True)
class SplitCounts:
    """What became of a split's rows: rows = kept + the sum of dropped; truncated ≤ kept."""

    rows: int = 0
    kept: int = 0
    truncated: int = 0
    dropped: dict[str, int] = field(default_factory=dict)

    def drop(self, reason: str) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1


@dataclass(frozen=True, slots=True)
class Split:
    """A tokenised split, memory-mapped from its scratch file, and its counts."""

    name: str
    rows: Dataset
    counts: SplitCounts


def split_rows(folder: Path, name: str) -> int:
    """The rows of a split by its Parquet footer; 0 where the file is absent."""
    path = folder / f"{name}.parquet"
    return pq.read_metadata(path).num_rows if path.is_file() else 0


def heldout_split(folder: Path) -> str | None:
    """The split that measures a run: validation, else test, else None; empty ones do not count."""
    return next((name for name in ("validation", "test") if split_rows(folder, name)), None)


def within_context(max_length: int, tokenizer: Any) -> int:
    """`max_length`, or the tokenizer's own limit where that is smaller."""
    return min(max_length, int(tokenizer.model_max_length))


def read_split(
    folder: Path,
    name: str,
    tokenizer: Any,
    *,
    max_length: int,
    scratch: Path,
    use_soft_labels: bool = True,
    tick: Callable[[], None] = lambda: None,
) -> Split:
    """Tokenise one split into a scratch file and map that file.

    Reads and writes by batches, so memory does not grow with the dataset.

    Args:
        folder: the dataset folder.
        name: train, validation or test.
        tokenizer: a transformers tokenizer with a chat template.
        max_length: tokens of prompt plus completion; the tokenizer's own limit holds too.
        scratch: folder for the Arrow file; made when missing.
        use_soft_labels: False reads every p_chosen as 1.
        tick: called after each batch; may raise to stop.

    Raises:
        DataError: the split is missing or malformed, or the tokenizer has no chat template.
    """
    path = folder / f"{name}.parquet"
    if tokenizer.chat_template is None:
        raise DataError(f"the tokenizer of {tokenizer.name_or_path} has no chat template")
    max_length = within_context(max_length, tokenizer)
    scratch.mkdir(parents=True, exist_ok=True)
    target = scratch / f"{name}.arrow"
    counts = SplitCounts()
    with pa.OSFile(str(target), "wb") as sink, pa.ipc.new_stream(sink, _SCHEMA) as writer:
        for rows in batches(path):
            kept = []
            for raw in rows:
                where = f"{path.name} row {counts.rows}"
                row = _prepare(raw, where, tokenizer, max_length, counts)
                counts.rows += 1
                if row is not None:
                    kept.append(row if use_soft_labels else {**row, "p_chosen": 1.0})
            counts.kept += len(kept)
            writer.write_batch(pa.RecordBatch.from_pylist(kept, schema=_SCHEMA))
            tick()
    return Split(name=name, rows=Dataset.from_file(str(target)), counts=counts)


def tokenise_pair(
    prompt: list[dict[str, Any]],
    chosen: list[dict[str, Any]],
    rejected: list[dict[str, Any]],
    tokenizer: Any,
    *,
    max_length: int,
) -> TokenisedPair:
    """Turn one conversational pair into token ids cut to `max_length`.

    The completion begins where prompt and prompt-plus-completion part: some chat templates
    render the end of a lone prompt differently, and a merge may cross the border.
    """
    head = render(tokenizer, prompt, add_generation_prompt=True)
    with_chosen = render(tokenizer, prompt + chosen)
    with_rejected = render(tokenizer, prompt + rejected)
    border = min(shared_length(head, with_chosen), shared_length(head, with_rejected))
    return TokenisedPair(
        prompt_ids=head[:border],
        chosen_ids=with_chosen[border:max_length],
        rejected_ids=with_rejected[border:max_length],
        truncated=max(len(with_chosen), len(with_rejected)) > max_length,
    )


def batches(
    path: Path, required: Sequence[str] = REQUIRED, optional: Sequence[str] = OPTIONAL
) -> Iterator[list[dict[str, Any]]]:
    """The rows of a Parquet file, some at a time, without the columns that training ignores.

    DataError where the file or a required column is missing.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing")
    with pq.ParquetFile(path) as file:
        present = file.schema_arrow.names
        missing = [name for name in required if name not in present]
        if missing:
            raise DataError(f"{path} is missing the column {', '.join(missing)}; it has {present}")
        columns = [*required, *(name for name in optional if name in present)]
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=columns):
            yield batch.to_pylist()


def _prepare(
    raw: Mapping[str, Any], where: str, tokenizer: Any, max_length: int, counts: SplitCounts
) -> dict[str, object] | None:
    """One row made ready, or None where it was dropped (and counted)."""
    prompt, chosen, rejected = (messages_of(raw[name], f"{where}: {name}") for name in REQUIRED)
    try:
        pair = tokenise_pair(prompt, chosen, rejected, tokenizer, max_length=max_length)
    except TemplateRefusalError:
        counts.drop(REFUSED)
        return None
    p_chosen = _number(raw.get("p_chosen"), f"{where}: p_chosen", high=1.0)
    weight = _number(raw.get("weight"), f"{where}: weight", high=math.inf)
    if not pair.chosen_ids or not pair.rejected_ids:
        counts.drop(NO_COMPLETION)
        return None
    counts.truncated += pair.truncated
    return {
        "prompt_ids": pair.prompt_ids,
        "chosen_ids": pair.chosen_ids,
        "rejected_ids": pair.rejected_ids,
        "p_chosen": p_chosen,
        "weight": weight,
    }


def messages_of(value: object, where: str) -> list[dict[str, Any]]:
    """The messages of a row. DataError."""
    if not isinstance(value, list) or not value:
        raise DataError(f"{where}: got {value!r:.80}, must be a list of {{role, content}}")
    for message in value:
        if not isinstance(message, dict) or not (
            isinstance(message.get("role"), str) and isinstance(message.get("content"), str)
        ):
            raise DataError(f"{where}: got {message!r:.80}, must have role and content as strings")
    # Of other keys, which Parquet fills with nulls, only those of tools reach the chat template.
    return [_message(message, where) for message in value]


def _message(message: Mapping[str, Any], where: str) -> dict[str, Any]:
    found: dict[str, Any] = {"role": message["role"], "content": message["content"]}
    for call in message.get("tool_calls") or ():
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not all(
            isinstance(function.get(name), str) for name in ("name", "arguments")
        ):
            raise DataError(
                f"{where}: got the call {call!r:.80}, must have a function with name "
                "and arguments as strings"
            )
        found.setdefault("tool_calls", []).append(call)
    return found | {name: message[name] for name in ("tool_call_id", "name") if message.get(name)}


def _number(value: object, where: str, *, high: float) -> float:
    """A number from 0 to `high`; null, or a column that is absent, is 1."""
    if value is None:
        return 1.0
    if not isinstance(value, int | float) or not 0.0 <= value <= high or math.isinf(value):
        raise DataError(f"{where}: got {value!r}, must be a number from 0 to {high}, or null")
    return float(value)


def render(tokenizer: Any, messages: list[dict[str, Any]], **options: bool) -> list[int]:
    """The token ids of a conversation. TemplateRefusalError."""
    turns = template_turns(tokenizer, read_messages(messages), ())
    rendered = apply_template(tokenizer, turns, tokenize=True, return_dict=True, **options)
    ids: list[int] = rendered["input_ids"]
    return ids


def shared_length(left: list[int], right: list[int]) -> int:
    """The length of the longest common beginning."""
    for position, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return position
    return min(len(left), len(right))
