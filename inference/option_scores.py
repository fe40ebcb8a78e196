"""The probabilities a model gives to fixed options, read from its logits.

Imports torch: the engine imports this module only when it chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from inference.decoding import left_padded
from inference.loading import LoadedModel
from inference.option_spelling import OptionTokens


class _Row(NamedTuple):
    prompt: int
    option: int | None
    ids: list[int]


def option_logprobs(
    loaded: LoadedModel,
    prompts: Sequence[Sequence[int]],
    options: Sequence[OptionTokens],
    batch_size: int,
) -> torch.Tensor:
    """Log-probability (nats) of each option as the start of the answer to each prompt.

    Returns a float64 CPU tensor of shape (N, K) for N prompts and K options, not renormalised:
    the log of the sum over an option's single-token spellings of softmax(logits), or the sum of
    the token log-probabilities of a longer one.
    """
    scores = torch.full((len(prompts), len(options)), -torch.inf, dtype=torch.float64)
    rows = sorted(_rows(prompts, options), key=lambda row: len(row.ids))
    for start in range(0, len(rows), batch_size):
        batch = rows[start : start + batch_size]
        keep = 1 + max((len(_forced(options, row)) for row in batch), default=0)
        logprobs = _last_logprobs(loaded, [row.ids for row in batch], keep)
        for row, row_logprobs in zip(batch, logprobs, strict=True):
            _read(row, row_logprobs, options, scores)
    return scores


def _rows(prompts: Sequence[Sequence[int]], options: Sequence[OptionTokens]) -> list[_Row]:
    """One row a prompt for all single-token options, and one for each longer option."""
    rows: list[_Row] = []
    for index, prompt in enumerate(prompts):
        if any(option.single for option in options):
            rows.append(_Row(index, None, list(prompt)))
        rows += [
            _Row(index, number, [*prompt, *option.spellings[0]])
            for number, option in enumerate(options)
            if not option.single
        ]
    return rows


def _forced(options: Sequence[OptionTokens], row: _Row) -> tuple[int, ...]:
    return () if row.option is None else options[row.option].spellings[0]


@torch.inference_mode()
def _last_logprobs(loaded: LoadedModel, rows: Sequence[Sequence[int]], keep: int) -> torch.Tensor:
    """Log-softmax of the logits at the last `keep` positions: (B, keep, V), float32."""
    inputs: dict[str, Any] = dict(left_padded(rows, loaded))
    if loaded.logits_to_keep:
        inputs["logits_to_keep"] = keep
    logits = loaded.model(**inputs, use_cache=False).logits
    return torch.log_softmax(logits[:, -keep:].float(), dim=-1)


def _read(
    row: _Row, logprobs: torch.Tensor, options: Sequence[OptionTokens], scores: torch.Tensor
) -> None:
    """Fill in `scores` (N, K) what one row's log-probabilities (keep, V) tell."""
    if row.option is not None:
        forced = torch.tensor(_forced(options, row), device=logprobs.device)
        # The logits at a position speak of the token after it; rows end at the right edge.
        before = logprobs[-len(forced) - 1 : -1]
        token_logprobs = before.gather(1, forced[:, None]).double()
        scores[row.prompt, row.option] = token_logprobs.sum().item()
        return
    for number, option in enumerate(options):
        if option.single:
            ids = torch.tensor([ids[0] for ids in option.spellings], device=logprobs.device)
            scores[row.prompt, number] = logprobs[-1, ids].double().logsumexp(0).item()
