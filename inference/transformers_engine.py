"""The embedded engine: a model in this process through transformers, on CPU or one GPU.

Torch and transformers are imported when an engine is opened, not when this module is.
"""

from __future__ import annotations

import gc
import math
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from inference.engine import Choice, Generation, Request, Sampling
from inference.errors import BadRequestError, InferenceError
from inference.heavy import importing
from inference.option_spelling import choice_from_logprobs, spell_options
from inference.rendering import check_lengths, render_prompts
from inference.validation import SEED_LIMIT, check_options, check_requests, check_sampling

if TYPE_CHECKING:
    from inference.decoding import Sampled
    from inference.loading import LoadedModel


class TransformersEngine:
    """A causal language model loaded by folder or hub name; safetensors only.

    `adapter` is a LoRA folder put on top; `model` may also be an adapter folder itself, its base
    is then looked up. `batch_size` bounds memory and never changes an answer: rows are padded on
    the left, and each request draws from a generator of its own. In float32 this holds to
    rounding (about 1e-6 in a probability); half precision on a GPU rounds more coarsely, and a
    near tie between two tokens may then fall differently in another batch. `device` defaults to
    a GPU where there is one; `dtype` is auto, float32, float16 or bfloat16; `threads` sets
    torch's CPU threads for the whole process. `trust_remote_code` lets the model's repository run
    code of its own here; `revision` is a hub model's branch, tag or commit.

    Raises:
        ModelLoadError: the model, tokenizer or adapter cannot be used; see
            `inference.loading.load_model`.
        BadRequestError: `batch_size` or `threads` below 1.
    """

    name = "transformers"

    def __init__(
        self,
        model: str,
        *,
        adapter: str | None = None,
        batch_size: int = 32,
        device: str | None = None,
        threads: int | None = None,
        dtype: str = "auto",
        trust_remote_code: bool = False,
        revision: str | None = None,
    ) -> None:
        if batch_size < 1:
            raise BadRequestError(f"batch_size is {batch_size}; it must be at least 1")
        if threads is not None and threads < 1:
            raise BadRequestError(f"threads is {threads}; it must be at least 1")
        with importing():
            from inference.loading import load_model

        self.model = model
        self._batch_size = batch_size
        # Several batches a call: rows of like length can then share one.
        self.batch_requests = 4 * batch_size
        self._loaded: LoadedModel | None = load_model(
            model,
            adapter=adapter,
            device=device,
            dtype=dtype,
            threads=threads,
            trust_remote_code=trust_remote_code,
            revision=revision,
        )

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Generation]:
        """One answer a request, in order; see `inference.engine` for the fields.

        The end token, or the tokens of the stop string met, are part of `completion_tokens` and
        `logprob_sum` and not of `text`.

        Raises:
            BadRequestError: see `inference.validation`; or a prompt longer than the context
                minus `max_tokens`.
            InferenceError: the model gave logits that are not finite.
        """
        with importing():
            from inference.decoding import sample_batch

        loaded = self._open()
        check_requests(requests)
        check_sampling(sampling)
        prompts = self._render(requests, sampling.max_tokens)
        seeds = [secrets.randbelow(SEED_LIMIT) if r.seed is None else r.seed for r in requests]
        # Rows of like length share a batch, so that little of it is padding.
        order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
        results: dict[int, Sampled] = {}
        for start in range(0, len(order), self._batch_size):
            batch = order[start : start + self._batch_size]
            sampled = sample_batch(
                loaded, [prompts[i] for i in batch], [seeds[i] for i in batch], sampling
            )
            results.update(zip(batch, sampled, strict=True))
        return [_generation(index, results[index], len(ids)) for index, ids in enumerate(prompts)]

    def choose(self, requests: Sequence[Request], options: Sequence[str]) -> list[Choice]:
        """The probabilities of the options as the start of each answer, in order.

        An option that is one token, with or without a space before it, is read from the next
        token's softmax and sums both spellings; a longer one is scored by the sum of its token
        log-probabilities. A `mass` too small for a double is given as the smallest one.

        Raises:
            BadRequestError: see `inference.validation`; a prompt longer than the context minus
                the longest option; an option that the tokenizer cannot spell, or options that
                begin with the same tokens.
            InferenceError: the model gave logits that are not finite.
        """
        with importing():
            from inference.option_scores import option_logprobs

        loaded = self._open()
        check_requests(requests)
        check_options(options)
        spelt = spell_options(loaded.tokenizer, options)
        prompts = self._render(requests, max(len(option.spellings[0]) for option in spelt))
        scores = option_logprobs(loaded, prompts, spelt, self._batch_size)
        return [
            choice_from_logprobs(index, row, len(ids))
            for index, (row, ids) in enumerate(zip(scores.tolist(), prompts, strict=True))
        ]

    def close(self) -> None:
        """Give the model's memory back. Safe to call twice; the engine answers no more."""
        if self._loaded is None:
            return
        import torch

        on_gpu = self._loaded.device.type == "cuda"
        self._loaded = None
        gc.collect()
        if on_gpu:
            torch.cuda.empty_cache()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _open(self) -> LoadedModel:
        if self._loaded is None:
            raise BadRequestError(f"the engine for {self.model!r} is closed; open a new one")
        return self._loaded

    def _render(self, requests: Sequence[Request], room: int) -> list[list[int]]:
        loaded = self._open()
        prompts = render_prompts(loaded.tokenizer, requests)
        check_lengths(prompts, room, loaded.context_tokens)
        return prompts


def _generation(index: int, sampled: Sampled, prompt_tokens: int) -> Generation:
    if not math.isfinite(sampled.logprob_sum):
        raise InferenceError(f"the model's logits for request {index} are not finite")
    return Generation(
        text=sampled.text,
        prompt_tokens=prompt_tokens,
        completion_tokens=sampled.tokens,
        finish_reason=sampled.finish_reason,
        logprob_sum=sampled.logprob_sum,
    )
