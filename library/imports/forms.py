"""Forms of imports: a file or a dataset to begin with, and how its rows are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from pydantic import ValidationError

from corpus.errors import ImportFileError
from corpus.hashing import sha256_of
from corpus.importers.files.hub import HubDataset
from corpus.importers.mapping import (
    CHOICES,
    RATER,
    THUMBS,
    TITLES,
    ColumnMap,
    MappedFormat,
    distinct_values,
    guess,
    read_mapping,
)
from corpus.importers.mapping import Field as Mapped
from corpus.importers.records import describe
from corpus.importers.registry import FORMATS
from corpus.imports.services import Choices
from corpus.models import ColumnMapping, PairPolicy, Project
from library.imports.looking import Head

PLAIN_FILE_BYTES = 32 * settings.UPLOAD_PART_BYTES
"""What a form may send in one request."""

VALUES_SHOWN = 40
COLUMNS_SHOWN = 300
FIRST_FIELDS: tuple[Mapped, ...] = (
    *("prompt", "response_a", "response_b", "chosen", "rejected", "choice", "rater"),
    *("completion", "thumb"),
)
MEANINGS = {
    "choice": (
        ("a", "Response A is better"),
        ("b", "Response B is better"),
        ("equal", "Equally good"),
        ("both_bad", "Both bad"),
    ),
    "thumb": (("up", "Good"), ("down", "Bad")),
}
HINTS: dict[Mapped, str] = {"rater": f"Without one, the rater is called “{RATER}”."}


class FileForm(forms.Form):
    file = forms.FileField(
        help_text="JSON lines, a JSON array, CSV, TSV, Parquet or Arrow; also gzipped, "
        "Zstandard or in a zip."
    )

    def clean_file(self) -> UploadedFile[Any]:
        file = self.cleaned_data["file"]
        if not isinstance(file, UploadedFile) or (file.size or 0) > PLAIN_FILE_BYTES:
            raise forms.ValidationError(
                f"Without JavaScript a file can have at most {PLAIN_FILE_BYTES:,} bytes. Import "
                "larger ones with JavaScript, the API or manage.py import_pairs."
            )
        return file


class HubForm(forms.Form):
    name = forms.CharField(
        label="Dataset", max_length=200, help_text="Its name on the hub, such as owner/name."
    )
    config = forms.CharField(required=False, max_length=100, label="Configuration (optional)")
    split = forms.CharField(max_length=100, initial="train")
    revision = forms.CharField(
        required=False,
        max_length=100,
        label="Revision (optional)",
        help_text="A branch, tag or commit. Default: the newest commit.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                cleaned["dataset"] = HubDataset.model_validate(cleaned)
            except ValidationError as error:
                at = str(error.errors()[0]["loc"][0])
                said = describe(error)
                if at == "name":
                    said = f"{cleaned['name']!r} is not the name of a dataset: write owner/name."
                self.add_error(at, said)
        return cleaned


class ValueRow(NamedTuple):
    """A value of a column that holds choices, with the menu of what it means."""

    written: str
    menu: forms.BoundField


class ValueTable(NamedTuple):
    title: str
    column: str
    rows: list[ValueRow]
    many: bool


class ReadingForm(forms.Form):
    """How the rows of `head` are read: in which format or by which columns, and which pairs are
    made. Menus show what is guessed, or what is chosen in `data`, or what `saved` says."""

    format = forms.ChoiceField(label="Format")
    saved = forms.ChoiceField(label="Saved mapping", required=False)
    save_as = forms.CharField(label="Save these columns as", max_length=100, required=False)
    pair_policy = forms.ChoiceField(
        label="Pairs of several responses",
        choices=PairPolicy.choices,
        initial=PairPolicy.ALL,
        help_text="Which pairs are made where a record has more than two responses.",
    )
    pairs_per_prompt = forms.IntegerField(
        label="Pairs per prompt at most",
        required=False,
        min_value=1,
        max_value=2_016,
        help_text="Only for “A few at random”.",
    )

    def __init__(
        self,
        project: Project,
        head: Head,
        data: Mapping[str, Any] | None = None,
        saved: ColumnMap | None = None,
    ) -> None:
        super().__init__(data)
        self.head = head
        self.candidates = head.candidates()
        self.columns = head.columns
        fields = self.fields
        first = [one.NAME for one in self.candidates]
        named = {name: one.TITLE for name, one in FORMATS.items()}
        fields["format"].choices = [  # type: ignore[attr-defined]
            *((name, named[name]) for name in first),
            (MappedFormat.NAME, "Choose columns"),
            *((name, title) for name, title in named.items() if name not in first),
        ]
        fields["format"].initial = MappedFormat.NAME if saved or not first else first[0]
        names = [one.name for one in ColumnMapping.objects.filter(project=project)]
        fields["saved"].choices = [("", "–"), *((name, name) for name in names)]  # type: ignore[attr-defined]
        self.has_saved = bool(names)
        self._add_columns(saved)
        self._add_values(saved)

    def _add_columns(self, saved: ColumnMap | None) -> None:
        there = self.columns[:COLUMNS_SHOWN]
        found = dict(saved.columns) if saved else guess(there)
        # A saved mapping may name columns that are not in this file; the menu says so.
        lacking = [name for name in found.values() if name not in there]
        menu = [("", "–"), *((name, name[:80]) for name in there)]
        menu += [(name, f"{name[:80]} (not in this file)") for name in lacking]
        for name, title in TITLES.items():
            self.fields[f"column_{name}"] = forms.ChoiceField(
                label=title,
                required=False,
                choices=menu,
                initial=found.get(name, ""),
                help_text=HINTS.get(name, ""),
            )

    def _column(self, field: Mapped) -> str:
        """The column that is chosen for a field now."""
        return str(self[f"column_{field}"].value() or "")

    def _add_values(self, saved: ColumnMap | None) -> None:
        self._tables: list[tuple[str, str, list[tuple[str, str, str]], bool]] = []
        single = self._column("completion") and not (
            self._column("response_a") or self._column("chosen")
        )
        asked: tuple[Mapped, ...] = ("thumb",) if single else ("choice", "gold")
        seen: set[str] = set()
        for field in asked:
            column = self._column(field)
            if not column:
                continue
            values = distinct_values(self.head.objects, column, most=VALUES_SHOWN + 1)
            rows = []
            for key, written in list(values.items())[:VALUES_SHOWN]:
                name = f"value_{sha256_of(key)[:16]}"
                if name not in seen:
                    seen.add(name)
                    self._add_value(name, key, "thumb" if field == "thumb" else "choice", saved)
                    rows.append((name, key, written))
            self._tables.append((TITLES[field], column, rows, len(values) > VALUES_SHOWN))

    def _add_value(self, name: str, key: str, kind: str, saved: ColumnMap | None) -> None:
        known = CHOICES.get(key, "") if kind == "choice" else _thumb(key)
        meanings = MEANINGS[kind]
        self.fields[name] = forms.ChoiceField(
            label=f"Meaning of {key}",
            required=False,
            choices=meanings if known else [("", "Reject these rows"), *meanings],
            initial=(saved.values.get(key) if saved else "") or known,
        )

    def value_tables(self) -> list[ValueTable]:
        return [
            ValueTable(
                title, column, [ValueRow(written, self[name]) for name, _, written in rows], many
            )
            for title, column, rows, many in self._tables
        ]

    def first_columns(self) -> list[forms.BoundField]:
        return [self[f"column_{name}"] for name in FIRST_FIELDS]

    def more_columns(self) -> list[forms.BoundField]:
        return [self[f"column_{name}"] for name in TITLES if name not in FIRST_FIELDS]

    @property
    def is_mapped(self) -> bool:
        return str(self["format"].value()) == MappedFormat.NAME

    def mapping(self) -> ColumnMap:
        """What the menus say. MappingError."""
        columns = {name: self._column(name) for name in TITLES if self._column(name)}
        values = {
            key: str(self[name].value())
            for _, _, rows, _ in self._tables
            for name, key, _ in rows
            if self[name].value()
        }
        return read_mapping(columns, values)  # type: ignore[arg-type]

    def choices(self) -> Choices:
        """What is chosen, in the form as it stands. ImportFileError."""
        policy = PairPolicy(str(self["pair_policy"].value()))
        most = self["pairs_per_prompt"].value()
        limit = int(most) if most and policy == PairPolicy.RANDOM else None
        if self.is_mapped:
            return Choices(None, self.mapping(), policy, limit)
        return Choices(str(self["format"].value()), None, policy, limit)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        unlimited = not cleaned.get("pairs_per_prompt") and "pairs_per_prompt" not in self.errors
        if cleaned.get("pair_policy") == PairPolicy.RANDOM and unlimited:
            self.add_error("pairs_per_prompt", "Say how many pairs each prompt gets at most.")
        if not self.errors:
            try:
                cleaned["choices"] = self.choices()
            except ImportFileError as error:
                self.add_error(None, str(error))
        return cleaned


def _thumb(key: str) -> str:
    if (known := THUMBS.get(key)) is None:
        return ""
    return "up" if known else "down"
