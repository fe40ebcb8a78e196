"""A worker that is killed in the middle of an import costs nothing and doubles nothing."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from pytest_django import Settings
from redis import Redis

from annotation.models import Label, Slot
from corpus.imports.services import launch_import
from corpus.imports.uploads import add_part, begin_upload
from corpus.models import Completion, Import, Pair, Prompt, Upload
from jobs.models import JobState
from tests.builders import make_project
from tests.workers import REDIS, WORKER, celery, wait_for

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.redis,
    pytest.mark.skipif(not REDIS, reason="CONCORD_TEST_REDIS_URL names no Redis"),
]

PAIRS = 30_000
BAD = 30


def upload_of(data: bytes, settings: Settings) -> Upload:
    upload = begin_upload(project=make_project(), name="pairs.jsonl", size=len(data), user=None)
    for offset in range(0, len(data), settings.UPLOAD_PART_BYTES):
        part = data[offset : offset + settings.UPLOAD_PART_BYTES]
        add_part(upload=upload, offset=offset, data=part)
    return upload


def test_an_import_whose_worker_is_killed_is_finished_by_another(
    tmp_path: Path, settings: Settings
) -> None:
    Redis.from_url(REDIS).flushdb()
    settings.CONCORD_HOME = tmp_path
    lines = [
        {
            "prompt": f"Question {number}?",
            "response_a": f"Yes {number}.",
            "response_b": f"No {number}.",
            "labels": [{"rater": "kim", "choice": "a"}],
        }
        if number % (PAIRS // BAD)
        else {"prompt": "bad"}
        for number in range(PAIRS)
    ]
    data = "".join(json.dumps(line) + "\n" for line in lines).encode()
    upload = upload_of(data, settings)
    job = launch_import(project=upload.project, upload=upload)

    def done() -> int:
        return Import.objects.get(pk=job.pk).lines_done

    def finished() -> bool:
        return Import.objects.get(pk=job.pk).is_finished

    with celery(tmp_path, "beat", "--schedule", str(tmp_path / "schedule")):
        with celery(tmp_path, *WORKER) as first:
            wait_for(lambda: done() > 0)
            os.killpg(first.pid, signal.SIGKILL)
            first.wait()
        assert 0 < done() < PAIRS
        assert not finished()
        with celery(tmp_path, *WORKER):
            wait_for(finished)

    job.refresh_from_db()
    good = PAIRS - BAD
    assert (job.state, job.error, job.attempts) == (JobState.SUCCEEDED, "", 2)
    assert (Pair.objects.count(), Prompt.objects.count()) == (good, good)
    assert Label.objects.count() == good
    # A share of pairs is asked for twice: the others of their tasks are overlap.
    assert Slot.objects.filter(purpose=Slot.Purpose.PRODUCTION).count() == good
    assert Completion.objects.count() == 2 * good
    told = {name: job.report[name] for name in ("rows", "pairs_added", "labels_added")}
    assert told == {"rows": PAIRS, "pairs_added": good, "labels_added": good}
    assert (job.report["duplicates"], job.report["rejected_rows"]) == (0, BAD)
    assert job.rejections.count() == BAD
    assert job.lines_done == PAIRS
