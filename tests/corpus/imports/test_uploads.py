"""Files in parts: in order, once each, no more than was announced; and thrown away in the end."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import random
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.conf import settings as live_settings
from django.core.files.storage import default_storage
from django.test import TestCase
from django.utils import timezone
from pytest_django import Settings

from corpus.errors import UploadError
from corpus.imports.opening import upload_source
from corpus.imports.running import run_import
from corpus.imports.services import launch_import
from corpus.imports.uploads import add_part, begin_upload, complete, discard, received, tidy_uploads
from corpus.models import Import, Pair, Project, Upload
from jobs.runner import run_job
from tests.builders import make_project

pytestmark = pytest.mark.django_db

DATA = b"0123456789"


@pytest.fixture
def project() -> Project:
    return make_project()


@pytest.fixture
def upload(project: Project) -> Upload:
    return begin_upload(project=project, name="f", size=len(DATA), user=None)


def sent(project: Project, data: bytes, part: int, name: str = "f") -> Upload:
    upload = begin_upload(project=project, name=name, size=len(data), user=None)
    for offset in range(0, len(data), part):
        add_part(upload=upload, offset=offset, data=data[offset : offset + part])
    return upload


def stored(upload: Upload) -> int:
    folder = Path(default_storage.path(f"uploads/{upload.pk}"))
    return sum(1 for one in folder.iterdir()) if folder.is_dir() else 0


def test_a_part_that_comes_twice_is_stored_once(upload: Upload) -> None:
    for _ in range(2):
        assert add_part(upload=upload, offset=0, data=DATA[:4]) == 4
    assert stored(upload) == 1
    assert not complete(upload)
    assert add_part(upload=upload, offset=4, data=DATA[4:]) == 10
    assert complete(upload)


@pytest.mark.parametrize(
    ("offset", "data", "said"),
    [
        (4, b"4567", "begins at byte 0, not at 4"),
        (0, DATA + b"!", "announced with 10 bytes"),
        (0, b"", "is empty"),
    ],
)
def test_a_part_out_of_place_is_refused(
    upload: Upload, offset: int, data: bytes, said: str
) -> None:
    with pytest.raises(UploadError, match=said):
        add_part(upload=upload, offset=offset, data=data)
    assert (received(upload), stored(upload)) == (0, 0)


def test_a_part_and_a_file_are_bounded(upload: Upload, settings: Settings) -> None:
    settings.UPLOAD_PART_BYTES = 3
    with pytest.raises(UploadError, match="at most 3"):
        add_part(upload=upload, offset=0, data=DATA[:4])
    settings.UPLOAD_MAX_BYTES = 9
    with pytest.raises(UploadError, match="the limit is 9"):
        begin_upload(project=upload.project, name="f", size=10, user=None)
    with pytest.raises(UploadError, match="is empty"):
        begin_upload(project=upload.project, name="f", size=0, user=None)


ROWS = [
    {"prompt": f"Question {n}? {'é' * (n % 40)}", "response_a": "Yes.", "response_b": f"No {n}."}
    for n in range(120)
]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def parquet() -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), file, row_group_size=16)
    return file.getvalue()


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pairs.jsonl", LINES)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [LINES, gzip.compress(LINES), parquet(), zipped(), json.dumps(ROWS).encode()],
    ids=["lines", "gzip", "parquet", "zip", "array"],
)
def test_an_upload_is_read_where_it_lies_whatever_it_is_written_in(
    project: Project, data: bytes
) -> None:
    rng = random.Random(1)
    upload = sent(project, data, rng.randint(90, 900))
    assert [row.fields for row in upload_source(upload).rows()] == ROWS


def test_uploads_are_thrown_away_once_imported_or_after_a_week(project: Project) -> None:
    imported, fresh, old, failed, under_way = (
        sent(project, b'{"prompt": "Hi?", "response_a": "a", "response_b": "b"}\n', 64)
        for _ in range(5)
    )
    run_job(Import, launch_import(project=project, upload=imported).pk, run_import)
    Import.objects.create(project=project, upload=failed, state=Import.State.FAILED)
    launch_import(project=project, upload=under_way)
    long_ago = timezone.now() - dt.timedelta(days=8)
    Upload.objects.filter(pk__in=[old.pk, under_way.pk]).update(created_at=long_ago)

    with TestCase.captureOnCommitCallbacks(execute=True):
        assert tidy_uploads(now=timezone.now()) == 2

    assert set(Upload.objects.all()) == {fresh, failed, under_way}
    assert [stored(one) for one in (imported, old, fresh)] == [0, 0, 1]
    assert Import.objects.get(state=Import.State.SUCCEEDED).upload is None
    assert Pair.objects.count() == 1
    assert not discard(under_way)


def test_the_schedule_throws_uploads_away() -> None:
    from config.celery import app

    tasks = {one["task"] for one in app.conf.beat_schedule.values()}
    assert "corpus.tasks.tidy_uploads_task" in tasks
    assert live_settings.UPLOAD_PART_BYTES <= live_settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def test_an_upload_that_is_gone_is_not_imported(project: Project, upload: Upload) -> None:
    with pytest.raises(UploadError, match="not here as a whole"):
        list(upload_source(upload).rows())
    job = Import.objects.create(project=project, name="f")
    run_job(Import, job.pk, run_import)
    job.refresh_from_db()
    assert (job.state, job.error) == (
        Import.State.FAILED,
        "The file f is not there any more. Upload it again.",
    )


def test_errors_of_an_upload_name_the_file_and_not_where_it_was_put_together(
    project: Project,
) -> None:
    upload = sent(project, gzip.compress(LINES)[:-20], 500, "cut.jsonl.gz")
    job = launch_import(project=project, upload=upload)
    run_job(Import, job.pk, run_import)
    job.refresh_from_db()
    assert job.state == Import.State.FAILED
    assert job.error.startswith("Cannot read cut.jsonl.gz: ")
