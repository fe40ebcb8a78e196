"""vLLM in a process of its own, for bulk jobs: when the engine is closed, the memory is free.

Conversations are rendered here; token ids go to the worker and log-probabilities come back. The
web and worker processes never import vLLM.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from inference.engine import Choice, FinishReason, Generation, Request, Sampling
from inference.errors import (
    BadRequestError,
    EngineUnavailableError,
    InferenceError,
    ModelLoadError,
)
from inference.launcher import (
    end_group,
    server_environment,
    signal_group,
    vllm_is_for_cpu,
)
from inference.option_spelling import (
    choice_from_logprobs,
    read_options,
    scored_prefixes,
    scored_tokens,
    spell_options,
)
from inference.rendering import check_lengths, render_prompts
from inference.sources import (
    ADAPTER_CONFIG,
    load_tokenizer,
    resolve_adapter,
    revision_for,
    tokenizer_source,
)
from inference.validation import check_options, check_requests, check_sampling
from inference.vllm_worker import receive, send
from inference.weights import safetensors_files

# How long a worker may take to end by itself once its stdin is closed.
END_SECONDS = 10.0
_LOG_TAIL_CHARACTERS = 2_000


class VllmEngine:
    """A `vllm.LLM` on this machine's GPUs, or on its CPU where the CPU build is installed.

    `adapter` is a LoRA folder put on top; `model` may also be an adapter folder itself.
    `tensor_parallel` GPUs share the model; `gpu_memory_share` of each is used. `enforce_eager`
    leaves out CUDA graphs and compilation: a quicker start, slower answers. `context_tokens`
    shortens the model's own context; `revision` is a hub model's branch, tag or commit.

    Raises:
        ModelLoadError: vLLM is not installed, or cannot load the model; the message ends with
            the end of its log.
        EngineUnavailableError: it did not start within `start_seconds`.
    """

    name = "vllm"
    batch_requests = 2048

    def __init__(
        self,
        model: str,
        *,
        adapter: str | None = None,
        dtype: str = "auto",
        tensor_parallel: int = 1,
        gpu_memory_share: float = 0.9,
        enforce_eager: bool = False,
        context_tokens: int | None = None,
        trust_remote_code: bool = False,
        revision: str | None = None,
        start_seconds: float = 1800.0,
    ) -> None:
        base, adapter_folder = resolve_adapter(model, adapter)
        if Path(base).is_dir():
            safetensors_files(Path(base))
        self.model = model
        self._tokenizer: Any = load_tokenizer(
            tokenizer_source(base, adapter_folder),
            revision=revision,
            trust_remote_code=trust_remote_code,
        )
        options: dict[str, Any] = {
            "model": base,
            "adapter": None if adapter_folder is None else str(adapter_folder.resolve()),
            "adapter_rank": _rank(adapter_folder),
            "dtype": dtype,
            "tensor_parallel_size": tensor_parallel,
            "gpu_memory_utilization": gpu_memory_share,
            "enforce_eager": enforce_eager,
            "trust_remote_code": trust_remote_code,
            # Never the model's own defaults of sampling: `Sampling` is the whole truth.
            "generation_config": "vllm",
            "load_format": "safetensors",
        }
        if vllm_is_for_cpu():
            options["enable_chunked_prefill"] = False
        if revision_for(base, revision) is not None:
            options |= {"revision": revision, "tokenizer_revision": revision}
        if context_tokens is not None:
            options["max_model_len"] = context_tokens
        self._lock = threading.Lock()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 -- closed with the engine
        self._process: subprocess.Popen[bytes] | None = subprocess.Popen(
            [sys.executable, "-m", "inference.vllm_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=Path(__file__).resolve().parent.parent,
            env=server_environment(),
            start_new_session=True,
        )
        late = threading.Timer(start_seconds, self._end_process)
        late.start()
        try:
            self._context_tokens = int(self._ask(options, ModelLoadError)["context_tokens"])
        except BaseException:
            self.close()
            raise
        finally:
            late.cancel()

    @property
    def process_id(self) -> int | None:
        """The worker's, which is also its process group's; None once closed."""
        return None if self._process is None else self._process.pid

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Generation]:
        """One answer a request, in order; see `inference.engine` for the fields.

        Raises:
            BadRequestError: see `inference.validation`; or a prompt longer than the context
                minus `max_tokens`.
            EngineUnavailableError: the worker went away; open a new engine.
            InferenceError: the model gave logits that are not finite.
        """
        check_requests(requests)
        check_sampling(sampling)
        prompts = self._render(requests, sampling.max_tokens)
        if not prompts:
            return []
        told = self._ask(
            {
                "operation": "generate",
                "prompts": prompts,
                "seeds": [request.seed for request in requests],
                "sampling": {
                    "max_tokens": sampling.max_tokens,
                    "temperature": sampling.temperature,
                    "top_p": sampling.top_p,
                    "stop": list(sampling.stop),
                },
            }
        )
        return [
            _generation(index, one, len(ids))
            for index, (one, ids) in enumerate(zip(told["results"], prompts, strict=True))
        ]

    def choose(self, requests: Sequence[Request], options: Sequence[str]) -> list[Choice]:
        """The probabilities of the options as the start of each answer, in order.

        They mean what they mean in `TransformersEngine.choose`.

        Raises:
            BadRequestError: see `inference.validation`; a prompt longer than the context minus
                the longest option; options that the tokenizer cannot spell or tell apart.
            EngineUnavailableError: the worker went away; open a new engine.
            InferenceError: the model gave logits that are not finite.
        """
        check_requests(requests)
        check_options(options)
        spelt = spell_options(self._tokenizer, options)
        prompts = self._render(requests, max(len(option.spellings[0]) for option in spelt))
        if not prompts:
            return []
        prefixes, tokens = scored_prefixes(spelt), scored_tokens(spelt)
        rows = [[*ids, *prefix] for ids in prompts for prefix in prefixes]
        told = self._ask({"operation": "next_tokens", "rows": rows, "tokens": tokens})["results"]
        after = [dict(zip(tokens, row, strict=True)) for row in told]
        each = len(prefixes)
        return [
            choice_from_logprobs(
                index,
                read_options(
                    spelt,
                    dict(zip(prefixes, after[each * index : each * (index + 1)], strict=True)),
                ),
                len(ids),
            )
            for index, ids in enumerate(prompts)
        ]

    def close(self) -> None:
        """End the worker and all it started. Safe to call twice; the engine answers no more."""
        if self._process is None:
            return
        process, self._process = self._process, None
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
        # vLLM's own processes are in the worker's group; none may keep a GPU's memory.
        end_group(process)
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _render(self, requests: Sequence[Request], room: int) -> list[list[int]]:
        prompts = render_prompts(self._tokenizer, requests)
        check_lengths(prompts, room, self._context_tokens)
        return prompts

    def _ask(
        self, message: dict[str, Any], refusal: type[InferenceError] = BadRequestError
    ) -> dict[str, Any]:
        process = self._process
        if process is None:
            raise BadRequestError(f"the engine for {self.model!r} is closed; open a new one")
        if process.stdin is None or process.stdout is None:
            raise InferenceError("the worker was started without pipes")
        with self._lock:
            try:
                send(process.stdin, message)  # type: ignore[arg-type]
                answer = receive(process.stdout)  # type: ignore[arg-type]
            except (OSError, ValueError):
                answer = None
        if answer is None:
            raise EngineUnavailableError(
                f"the vLLM worker for {self.model!r} crashed: {self._log_tail()}"
            )
        if "error" in answer:
            raise refusal(f"vLLM on {self.model!r}: {answer['error']}")
        return answer

    def _end_process(self) -> None:
        if self._process is not None:
            signal_group(self._process.pid, signal.SIGKILL)

    def _log_tail(self) -> str:
        self._log.flush()
        size = os.fstat(self._log.fileno()).st_size
        start = max(0, size - _LOG_TAIL_CHARACTERS)
        return os.pread(self._log.fileno(), size - start, start).decode(errors="replace").strip()


def _rank(adapter: Path | None) -> int:
    """The adapter's rank, rounded up to one that vLLM knows."""
    if adapter is None:
        return 16
    safetensors_files(adapter)
    rank = int(json.loads((adapter / ADAPTER_CONFIG).read_text()).get("r", 16))
    return max(8, 1 << (rank - 1).bit_length())


def _generation(index: int, told: dict[str, Any], prompt_tokens: int) -> Generation:
    logprob_sum = math.fsum(told["token_logprobs"])
    if not math.isfinite(logprob_sum):
        raise InferenceError(f"the model's logits for request {index} are not finite")
    reason: FinishReason = "stop" if told["finish_reason"] == "stop" else "length"
    return Generation(
        text=told["text"],
        prompt_tokens=prompt_tokens,
        completion_tokens=len(told["token_logprobs"]),
        finish_reason=reason,
        logprob_sum=logprob_sum,
    )
