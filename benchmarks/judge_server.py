"""Judging through the server engine against calling vLLM directly on the same prompts.

    DATABASE_URL=postgres://… python -m benchmarks.judge_server [--pairs N] [--rounds N]

The reference is one call of `vllm.LLM.generate` with every prompt in it. The other side is a whole
judge run by the server engine on a vLLM server: reading the pairs, rendering, asking, storing each
verdict, labels, replies and accounts. Both take the sandbox model, the same prompts and the same
settings of vLLM, and have the machine to themselves, one after the other, `--rounds` times each;
the medians count. On a scratch database; needs vLLM. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import django
import psutil

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
django.setup()

from django.db import connection  # noqa: E402

from annotation.models import Label  # noqa: E402
from benchmarks.scratch import scratch_database  # noqa: E402
from constitution.services import PrincipleText, create_draft, publish_version  # noqa: E402
from corpus.imports.services import import_file  # noqa: E402
from corpus.models import Pair, Project  # noqa: E402
from corpus.registry import sandbox_model  # noqa: E402
from inference.engine import Request  # noqa: E402
from inference.launcher import (  # noqa: E402
    Status,
    Supervisor,
    free_port,
    server_environment,
    vllm_command,
)
from inference.option_spelling import scored_tokens, spell_options  # noqa: E402
from inference.registry import open_engine  # noqa: E402
from inference.rendering import render_prompts  # noqa: E402
from inference.sandbox import MODEL_PATH  # noqa: E402
from inference.sandbox.prompts import PRINCIPLES  # noqa: E402
from inference.sandbox.tasks import make_pair  # noqa: E402
from inference.sandbox.world import training_requests  # noqa: E402
from inference.sources import load_tokenizer  # noqa: E402
from jobs.models import JobState  # noqa: E402
from jobs.runner import run_job  # noqa: E402
from judging.asking.prompts import OPTIONS  # noqa: E402
from judging.models import JudgeConfig, JudgeRun, Verdict  # noqa: E402
from judging.runs.runner import judge_with, plan_of  # noqa: E402
from judging.selectors import PairSelection  # noqa: E402
from judging.services import ensure_judge, launch_judge_run  # noqa: E402
from serving.models import CachedReply, Usage  # noqa: E402
from serving.selectors import usage_of_run  # noqa: E402

SEQUENCES = 256
READY_SECONDS = 600.0


@dataclass(frozen=True)
class JudgeTime:
    seconds: float
    verdicts: int
    prefix_hit_rate: float | None
    grown_mib: float


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judge_server")
    parser.add_argument("--pairs", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, scratch_database():
        print(json.dumps(measure(Path(folder), asked.pairs, asked.rounds)))


def measure(folder: Path, pairs: int, rounds: int) -> dict[str, object]:
    config = prepare(folder, pairs)
    prompts, tokens = questions(config)
    direct = direct_seconds(folder, prompts, tokens, rounds)
    served = served_seconds(folder, config, rounds)
    reference = pairs / statistics.median(direct)
    through = pairs / statistics.median(one.seconds for one in served)
    return {
        "database": connection.vendor,
        "pairs": pairs,
        "requests": len(prompts),
        "direct_pairs_per_second": round(reference, 2),
        "server_engine_pairs_per_second": round(through, 2),
        "ratio": round(through / reference, 3),
        "direct_seconds": [round(one, 2) for one in direct],
        "server_engine_seconds": [round(one.seconds, 2) for one in served],
        "verdicts": [one.verdicts for one in served],
        # Of this process, which is the judge's worker, the unmeasured run first: flat in the pairs
        # where it does not grow with --pairs.
        "grown_mib": [one.grown_mib for one in served],
        "prefix_hit_rate": [one.prefix_hit_rate for one in served],
    }


def prepare(folder: Path, pairs: int) -> JudgeConfig:
    """Pairs of the sandbox world, and a judge of one principle."""
    rng = random.Random(0)
    requests = training_requests(rng)
    rows: dict[tuple[str, ...], dict[str, str]] = {}
    while len(rows) < pairs:
        pair = make_pair(next(requests), rng, differ="polite")
        key = (pair.request.text, *sorted(pair.answers))
        rows[key] = {
            "prompt": pair.request.text,
            "response_a": pair.answers[0],
            "response_b": pair.answers[1],
        }
    path = folder / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows.values()))
    import_file(slug="bench", path=path)
    project = Project.objects.get(slug="bench")
    version = create_draft(
        project=project,
        slug="polite",
        name="Polite",
        principles=(PrincipleText("polite", PRINCIPLES["polite"].comparison),),
    )
    return ensure_judge(
        project=project,
        constitution_version=publish_version(version=version),
        model_version=sandbox_model(project),
        engine="server",
    )


def questions(config: JudgeConfig) -> tuple[list[list[int]], list[int]]:
    """Every prompt of the run as token ids, and the options' tokens."""
    plan = plan_of(config)
    pairs = Pair.objects.order_by("pk").select_related("prompt", "first", "second")
    requests: list[Request] = [
        plan.request(question) for pair in pairs for question in plan.questions(pair)
    ]
    tokenizer = load_tokenizer(str(MODEL_PATH))
    tokens = scored_tokens(spell_options(tokenizer, OPTIONS))
    return render_prompts(tokenizer, requests), tokens


def direct_seconds(
    folder: Path, prompts: list[list[int]], tokens: list[int], rounds: int
) -> list[float]:
    job, result = folder / "job.json", folder / "result.json"
    job.write_text(
        json.dumps(
            {
                "model": str(MODEL_PATH),
                "prompts": prompts,
                "tokens": tokens,
                "sequences": SEQUENCES,
                "rounds": rounds,
            }
        )
    )
    subprocess.run(
        [sys.executable, "-m", "benchmarks.direct_vllm", str(job), str(result)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=(folder / "direct.log").open("wb"),
        env=server_environment(),
    )
    seconds: list[float] = json.loads(result.read_text())
    return seconds


def served_seconds(folder: Path, config: JudgeConfig, rounds: int) -> list[JudgeTime]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    healthy, stop = threading.Event(), threading.Event()

    def note(status: Status) -> None:
        if status.state in ("healthy", "failed"):
            healthy.set()

    command = vllm_command(
        str(MODEL_PATH),
        port=port,
        dtype="float32",
        adapters=0,
        extra=("--enforce-eager", "--max-num-seqs", str(SEQUENCES), "--no-enable-log-requests"),
    )
    supervisor = Supervisor(command, url=url, log_folder=folder / "logs", on_change=note)
    thread = threading.Thread(target=supervisor.run, args=(stop,))
    thread.start()
    try:
        if not healthy.wait(READY_SECONDS):
            raise SystemExit("the server did not become healthy")
        first = judge_once(config, url)  # of the server, and of every code path
        rest = [judge_once(config, url) for _ in range(rounds)]
        return [replace(one, grown_mib=max(first.grown_mib, one.grown_mib)) for one in rest]
    finally:
        stop.set()
        thread.join()


class PeakMemory:
    """How much more memory this process held resident while it was open than before, at most,
    looked at ten times a second; `mib` in MiB."""

    def __init__(self) -> None:
        self.mib = 0.0
        self._before = psutil.Process().memory_info().rss
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *exc_info: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        process = psutil.Process()
        while not self._done.wait(0.1):
            grown = process.memory_info().rss - self._before
            self.mib = max(self.mib, round(grown / 2**20, 1))


def judge_once(config: JudgeConfig, url: str) -> JudgeTime:
    """A whole run, as for the first time: nothing judged, no reply kept."""
    Label.objects.all().delete()
    Verdict.objects.all().delete()
    CachedReply.objects.all().delete()
    if connection.vendor == "postgresql":
        # Or it clears up after the round before in the middle of this one.
        with connection.cursor() as cursor:
            cursor.execute("vacuum analyze")
    run = launch_judge_run(
        project=config.project, config=config, selection=PairSelection(which="all"), start=False
    )
    watch = PeakMemory()
    start = time.perf_counter()
    with watch, open_engine("server", str(MODEL_PATH), servers=[url]) as engine:
        done = run_job(JudgeRun, run.pk, lambda context: judge_with(context, config, engine))
    seconds = time.perf_counter() - start
    if done is None or done.state != JobState.SUCCEEDED:
        raise SystemExit(f"the run {run.pk} did not succeed: {done.error if done else ''}")
    return JudgeTime(
        seconds=seconds,
        verdicts=Verdict.objects.filter(run=run, status="ok").count(),
        prefix_hit_rate=usage_of_run(Usage.Purpose.JUDGE, run.pk).prefix_hit_rate,
        grown_mib=watch.mib,
    )


if __name__ == "__main__":
    main()
