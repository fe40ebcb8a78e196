"""Sampling a batch of prompts so that each answer is the same in any batch.

Imports torch: the engine imports this module only when it generates.

Sampling from softmax(l/T) is greedy decoding of l/T + G with independent Gumbel noise G (the
Gumbel-max trick). The noise of each row comes from a generator of its own, seeded by the
request, so that neither the neighbours nor the order of rows can change a draw; transformers
decodes greedily. Source: Maddison, Tarlow, Minka, "A* Sampling", NeurIPS 2014, section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from transformers import (
    GenerationConfig,
    LogitsProcessorList,
    StoppingCriteriaList,
    TopPLogitsWarper,
)

from inference.engine import FinishReason, Sampling
from inference.loading import LoadedModel
from inference.validation import cut_at_stop


class Sampled(NamedTuple):
    """One row's answer; `logprob_sum` in nats at temperature 1, end token included."""

    text: str
    tokens: int
    finish_reason: FinishReason
    logprob_sum: float


class SeededSampler:
    """Logits processor: the arg max of what it returns is a sample; it notes its log-probability.

    `logprobs` grows by one tensor of shape (B,) a step: the log-probability, under the raw
    logits, of the token that is about to be taken.
    """

    def __init__(self, sampling: Sampling, seeds: Sequence[int], device: torch.device) -> None:
        self.logprobs: list[torch.Tensor] = []
        self._temperature = sampling.temperature
        self._top_p = TopPLogitsWarper(sampling.top_p) if sampling.top_p < 1 else None
        # Apple's backend has no float64, so its noise is drawn on the CPU.
        noise_device = device if device.type == "cuda" else torch.device("cpu")
        self._generators = [torch.Generator(noise_device).manual_seed(seed) for seed in seeds]

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.Tensor:
        """Scores (B, V) in, temperature-scaled, top-p-filtered and noised scores (B, V) out."""
        chosen_from: torch.Tensor = scores
        if self._temperature > 0:
            warped: Any = scores / self._temperature
            if self._top_p is not None:
                warped = self._top_p(input_ids, warped)
            chosen_from = warped + self._gumbel(scores)
        chosen = chosen_from.argmax(dim=-1, keepdim=True)
        self.logprobs.append(torch.log_softmax(scores, dim=-1).gather(1, chosen).squeeze(1))
        return chosen_from

    def _gumbel(self, scores: torch.Tensor) -> torch.Tensor:
        # In float32 the smallest uniform draw is 2^-24: over a vocabulary of 150,000 one step in
        # a hundred would hit it and pick a token at random. float64 has no such floor.
        draws = torch.stack(
            [
                torch.empty(scores.shape[-1], dtype=torch.float64, device=one.device).exponential_(
                    generator=one
                )
                for one in self._generators
            ]
        )
        return -draws.clamp_min(torch.finfo(torch.float64).tiny).log().to(scores)


class StopStrings:
    """Stopping criterion: a row ends when its completion, prompt left out, holds a stop string.

    `stopped_at[row]` is the number of completion tokens then, None while there is none.
    """

    def __init__(self, tokenizer: Any, stop: Sequence[str], prompt_width: int, rows: int) -> None:
        self.stopped_at: list[int | None] = [None] * rows
        self._tokenizer = tokenizer
        self._stop = stop
        self._prompt_width = prompt_width
        # Each token but special ones brings at least a byte; the slack covers those.
        self._window = max(len(one.encode()) for one in stop) + 16

    def __call__(self, input_ids: torch.Tensor, _scores: Any, **_: Any) -> torch.Tensor:
        """Which rows of `input_ids` (B, W) have met a stop string: booleans (B,)."""
        for row, stopped in enumerate(self.stopped_at):
            if stopped is None and self._holds_stop(input_ids[row, self._prompt_width :].tolist()):
                self.stopped_at[row] = input_ids.shape[1] - self._prompt_width
        flags = [stopped is not None for stopped in self.stopped_at]
        return torch.tensor(flags, dtype=torch.bool, device=input_ids.device)

    def _holds_stop(self, ids: list[int]) -> bool:
        # The tail is looked at first: decoding every answer whole at every step is quadratic.
        tail = decode(self._tokenizer, ids[-self._window :])
        if cut_at_stop(tail, self._stop) is None:
            return False
        return cut_at_stop(decode(self._tokenizer, ids), self._stop) is not None


def decode(tokenizer: Any, ids: Sequence[int]) -> str:
    """Completion ids as text, without special tokens and without tidying spaces."""
    text: str = tokenizer.decode(
        list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
    )
    return text


def left_padded(rows: Sequence[Sequence[int]], loaded: LoadedModel) -> dict[str, torch.Tensor]:
    """Rows of token ids as model inputs of shape (B, W), padded on the left.

    Positions are given too: counted from a row's first real token, so that padding moves nothing.
    """
    width = max(len(row) for row in rows)
    ids = torch.tensor([[loaded.pad_id] * (width - len(row)) + list(row) for row in rows])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    positions = (mask.cumsum(dim=-1) - 1).clamp_min(0)
    inputs = {"input_ids": ids, "attention_mask": mask, "position_ids": positions}
    return {name: tensor.to(loaded.device) for name, tensor in inputs.items()}


def sample_batch(
    loaded: LoadedModel, prompts: Sequence[Sequence[int]], seeds: Sequence[int], sampling: Sampling
) -> list[Sampled]:
    """Continue prompts (token ids) as one batch; result i answers prompt i.

    Temperature 0 is greedy and ignores the seeds. The tokens that end an answer (the end token,
    or those of a stop string) are counted and scored, and are left out of the text.
    """
    inputs = left_padded(prompts, loaded)
    width = inputs["input_ids"].shape[1]
    sampler = SeededSampler(sampling, seeds, loaded.device)
    stops = (
        StopStrings(loaded.tokenizer, sampling.stop, width, len(prompts)) if sampling.stop else None
    )
    output = loaded.model.generate(
        **inputs,
        generation_config=GenerationConfig(  # type: ignore[no-untyped-call]
            max_new_tokens=sampling.max_tokens,
            do_sample=False,
            eos_token_id=list(loaded.eos_ids),
            pad_token_id=loaded.pad_id,
        ),
        logits_processor=LogitsProcessorList([sampler]),
        stopping_criteria=StoppingCriteriaList([] if stops is None else [stops]),
    )
    completions = output[:, width:].tolist()
    logprobs = torch.stack(sampler.logprobs, dim=1).double().cpu()
    stopped_at = [None] * len(prompts) if stops is None else stops.stopped_at
    return [
        _sampled(loaded, ids, logprobs[row], stopped_at[row], sampling)
        for row, ids in enumerate(completions)
    ]


def _sampled(
    loaded: LoadedModel,
    ids: list[int],
    logprobs: torch.Tensor,
    stopped_at: int | None,
    sampling: Sampling,
) -> Sampled:
    end_at = next((n for n, one in enumerate(ids, start=1) if one in loaded.eos_ids), None)
    ends = [end for end in (end_at, stopped_at) if end is not None]
    tokens = min(ends, default=len(ids))
    text = decode(loaded.tokenizer, ids[:tokens])
    cut = cut_at_stop(text, sampling.stop)
    return Sampled(
        text=text if cut is None else cut,
        tokens=tokens,
        finish_reason="stop" if ends else "length",
        logprob_sum=float(logprobs[:tokens].sum()),
    )
