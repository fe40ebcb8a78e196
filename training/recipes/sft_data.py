"""Reading an SFT dataset version: Parquet in, token ids with labels on the completion out.

A sample whose prompt and completion are longer than `max_length` tokens is cut at the end and
counted as truncated; one of whose completion nothing is left, or that the chat template refuses,
is dropped and counted.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
from datasets import Dataset

from inference.rendering import TemplateRefusalError
from training.recipes.data import (
    NO_COMPLETION,
    REFUSED,
    DataError,
    Split,
    SplitCounts,
    batches,
    messages_of,
    render,
    shared_length,
    within_context,
)

REQUIRED = ("prompt", "completion")
IGNORED = -100
"""The label of a token that is not learnt."""

_TOKENS = pa.list_(pa.int32())
_SCHEMA = pa.schema([("input_ids", _TOKENS), ("labels", _TOKENS)])


def read_samples(
    folder: Path,
    name: str,
    tokenizer: Any,
    *,
    max_length: int,
    scratch: Path,
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
        tick: called after each batch; may raise to stop.

    Raises:
        DataError: the split is missing or malformed, or the tokenizer has no chat template.
    """
    path = folder / f"{name}.parquet"
    if tokenizer.chat_template is None:
        raise DataError(f"the tokenizer of {tokenizer.name_or_path} has no chat template")
    limit = within_context(max_length, tokenizer)
    scratch.mkdir(parents=True, exist_ok=True)
    target = scratch / f"{name}.arrow"
    counts = SplitCounts()
    with pa.OSFile(str(target), "wb") as sink, pa.ipc.new_stream(sink, _SCHEMA) as writer:
        for raws in batches(path, REQUIRED, ()):
            kept = []
            for raw in raws:
                where = f"{path.name} row {counts.rows}"
                prompt, completion = (
                    messages_of(raw[column], f"{where}: {column}") for column in REQUIRED
                )
                counts.rows += 1
                try:
                    row = tokenise_sample(prompt, completion, tokenizer, limit)
                except TemplateRefusalError:
                    counts.drop(REFUSED)
                    continue
                if row is None:
                    counts.drop(NO_COMPLETION)
                    continue
                counts.truncated += row.pop("truncated")
                kept.append(row)
            counts.kept += len(kept)
            writer.write_batch(pa.RecordBatch.from_pylist(kept, schema=_SCHEMA))
            tick()
    return Split(name=name, rows=Dataset.from_file(str(target)), counts=counts)


def tokenise_sample(
    prompt: list[dict[str, Any]],
    completion: list[dict[str, Any]],
    tokenizer: Any,
    max_length: int,
) -> dict[str, Any] | None:
    """`input_ids` and `labels` of one conversation, and whether it was cut; None where nothing of
    the completion is left.

    The completion begins where prompt and prompt-plus-completion part; see `data.tokenise_pair`.
    """
    whole = render(tokenizer, prompt + completion)
    border = shared_length(render(tokenizer, prompt, add_generation_prompt=True), whole)
    ids = whole[:max_length]
    if len(ids) <= border:
        return None
    labels = [IGNORED] * border + ids[border:]
    return {"input_ids": ids, "labels": labels, "truncated": len(whole) > max_length}
