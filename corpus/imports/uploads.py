"""Files sent in parts: each part is stored by itself, so that any machine may take it."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q, Sum

from corpus.errors import UploadError
from corpus.models import Project, Upload, UploadPart
from jobs.models import JobState

COPIED_BYTES = 2**20

KEPT_FOR = dt.timedelta(days=7)
"""How long an upload waits for somebody to import it."""


def begin_upload(*, project: Project, name: str, size: int, user: User | None) -> Upload:
    """A new upload of `size` bytes. UploadError for an empty or too large file."""
    if size < 1:
        raise UploadError(f"{name} is empty.")
    if size > settings.UPLOAD_MAX_BYTES:
        raise UploadError(
            f"{name} has {size:,} bytes; the limit is {settings.UPLOAD_MAX_BYTES:,}. Import it on "
            "the server with manage.py import_pairs, or split it."
        )
    stored_name = Path(name).name.encode("utf-8", "replace").decode()[:255] or "file"
    return Upload.objects.create(project=project, name=stored_name, size=size, created_by=user)


def received(upload: Upload) -> int:
    """The bytes that are here, which join on to each other: where the next part goes on."""
    return upload.parts.aggregate(total=Sum("size"))["total"] or 0


def add_part(*, upload: Upload, offset: int, data: bytes) -> int:
    """Store the part that begins at `offset`; the bytes received so far. A part that is here
    already is not stored twice.

    UploadError for a part that does not join on, is too long, or belongs to a finished upload.
    """
    if not data:
        raise UploadError("The part is empty.")
    if len(data) > settings.UPLOAD_PART_BYTES:
        raise UploadError(
            f"The part has {len(data):,} bytes; send at most {settings.UPLOAD_PART_BYTES:,}."
        )
    reached = received(upload)
    if offset + len(data) <= reached:
        return reached
    if offset != reached:
        raise UploadError(f"The next part begins at byte {reached}, not at {offset}.")
    if offset + len(data) > upload.size:
        raise UploadError(f"{upload.name} was announced with {upload.size:,} bytes; this is more.")
    name = default_storage.save(f"uploads/{upload.pk}/{offset}", ContentFile(data))
    _, made = UploadPart.objects.get_or_create(
        upload=upload, offset=offset, defaults={"size": len(data), "stored_as": name}
    )
    if not made:
        # Another request was faster with the same part.
        default_storage.delete(name)
    return received(upload)


def complete(upload: Upload) -> bool:
    return received(upload) == upload.size


@contextmanager
def gathered(upload: Upload) -> Iterator[Path]:
    """The whole file on this machine's disk, for as long as it is read. UploadError when parts are
    missing."""
    if not complete(upload):
        raise UploadError(f"{upload.name} is not here as a whole; upload the rest of it.")
    with tempfile.TemporaryDirectory(prefix="concord-upload-") as folder:
        path = Path(folder, "file")
        digest = hashlib.sha256()
        with path.open("wb") as whole:
            for part in upload.parts.order_by("offset"):
                with default_storage.open(part.stored_as) as stored:
                    shutil.copyfileobj(stored, whole, COPIED_BYTES)
        with path.open("rb") as whole:
            while block := whole.read(COPIED_BYTES):
                digest.update(block)
        if upload.sha256 and upload.sha256 != digest.hexdigest():
            raise UploadError(f"{upload.name} was changed in the store; upload it again.")
        if not upload.sha256:
            upload.sha256 = digest.hexdigest()
            upload.save(update_fields=["sha256"])
        yield path


@transaction.atomic
def discard(upload: Upload) -> bool:
    """Forget an upload and its parts; False where an import of it is under way."""
    held = Upload.objects.select_for_update().filter(pk=upload.pk).first()
    if held is None or held.imports.filter(state__in=UNFINISHED).exists():
        return False
    names = list(held.parts.values_list("stored_as", flat=True))
    held.delete()
    transaction.on_commit(lambda: _delete(names))
    return True


UNFINISHED = (JobState.QUEUED, JobState.RUNNING, JobState.CANCELLING)


def tidy_uploads(*, now: dt.datetime) -> int:
    """Throw away uploads that were imported, and those that nobody imported for a week; how many.
    One whose import failed or was cancelled stays for the rest of its week."""
    done = Q(imports__state=JobState.SUCCEEDED) | Q(created_at__lt=now - KEPT_FOR)
    return sum(discard(upload) for upload in Upload.objects.filter(done).distinct())


def _delete(names: list[str]) -> None:
    for name in names:
        default_storage.delete(name)
