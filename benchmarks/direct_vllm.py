"""The reference of `judge_server`: one batch through `vllm.LLM`, in a process of its own.

    python -m benchmarks.direct_vllm JOB.json RESULT.json

JOB holds model, prompts (token ids), tokens (whose log-probabilities are wanted), sequences and
rounds; RESULT gets the seconds of each round.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from inference.launcher import vllm_is_for_cpu


def main() -> None:
    from vllm import LLM, SamplingParams

    job: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    llm: Any = LLM(
        model=job["model"],
        dtype="float32",
        enforce_eager=True,
        max_num_seqs=job["sequences"],
        # As the servers are started: on the CPU it is also the faster way.
        enable_chunked_prefill=not vllm_is_for_cpu(),
        generation_config="vllm",
        disable_log_stats=True,
    )
    params = SamplingParams(max_tokens=1, temperature=0, logprob_token_ids=job["tokens"])
    inputs = [{"prompt_token_ids": ids} for ids in job["prompts"]]
    # A whole round unmeasured, as on the other side: both measure with a warm prefix cache.
    llm.generate(inputs, params, use_tqdm=False)
    seconds = []
    for _ in range(job["rounds"]):
        start = time.perf_counter()
        outputs = llm.generate(inputs, params, use_tqdm=False)
        seconds.append(time.perf_counter() - start)
        if len(outputs) != len(inputs):
            raise SystemExit("vLLM did not answer every prompt")
    Path(sys.argv[2]).write_text(json.dumps(seconds))


if __name__ == "__main__":
    main()
