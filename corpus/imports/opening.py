"""Where an import's rows come from: a file on this machine, an upload, or a dataset on a hub."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from corpus.errors import ImportFileError
from corpus.importers.files import hub
from corpus.importers.files.opening import Facts, check_whole, facts_of, rows_of, source_name
from corpus.importers.files.rows import RawRow
from corpus.importers.mapping import MappedFormat, read_mapping
from corpus.importers.registry import Format, detect_format, format_named
from corpus.imports.stored_parts import rows_of_upload
from corpus.imports.uploads import gathered
from corpus.models import Import, Upload


@dataclass(frozen=True, slots=True)
class Source:
    """Rows that can be read again and again, under the name that records keep of them."""

    name: str
    path: Path | None = None
    hub: hub.HubDataset | None = None
    upload: Upload | None = None

    def rows(self) -> Iterator[RawRow]:
        """The rows from the first. ImportFileError."""
        if self.path is not None:
            return rows_of(self.path)
        if self.hub is not None:
            return hub.rows(self.hub)
        if self.upload is not None:
            return rows_of_upload(self.upload)
        raise ImportFileError(f"{self.name} is nowhere to be read from.")

    def facts(self) -> Facts | None:
        """By what a file is known again; None for a dataset on a hub. The file was then read to
        its end. ImportFileError."""
        if self.path is None:
            return None
        found = facts_of(self.path)
        check_whole(self.path)
        return found


def file_source(path: Path) -> Source:
    return Source(source_name(path), path=path)


def hub_source(dataset: hub.HubDataset) -> Source:
    return Source(dataset.name[:200], hub=dataset)


def upload_source(upload: Upload) -> Source:
    """An upload, read where it is stored: for its first rows, and not for the whole of it."""
    return Source(source_name(Path(upload.name)), upload=upload)


@contextmanager
def source_of(job: Import) -> Iterator[Source]:
    """The source of an import, open for as long as it is worked on. ImportFileError."""
    if job.hub:
        yield hub_source(hub.HubDataset.model_validate(job.hub))
    elif job.upload is not None:
        with gathered(job.upload) as path:
            yield Source(job.name, path=path)
    elif job.path:
        yield Source(job.name, path=Path(job.path))
    else:
        raise ImportFileError(f"The file {job.name} is not there any more. Upload it again.")


def format_of(job: Import, source: Source) -> Format:
    """The format that the import names, or the one found. ImportFileError."""
    if job.mapping:
        return MappedFormat(read_mapping(job.mapping["columns"], job.mapping.get("values", {})))
    if job.format:
        return format_named(job.format)
    return detect_format(source.rows(), source.name)
