"""Forms of constitutions and of critique runs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.text import slugify

from constitution.errors import ConstitutionError
from constitution.models import ConstitutionVersion
from constitution.models.revisions import MOST_ROUNDS
from constitution.selectors import revising_versions
from constitution.starters import STARTERS, starter
from constitution.texts.formats import MAX_FILE_BYTES, ConstitutionFile, read_constitution
from corpus.models import Project, Prompt
from corpus.prompts import PromptSelection
from serving.engine_forms import ProjectModelForm, usable_temperature


class NewConstitutionForm(forms.Form):
    name = forms.CharField(max_length=200)
    slug = forms.SlugField(
        max_length=80,
        required=False,
        error_messages={
            "invalid": "“%(value)s” has characters other than letters, digits, - and _."
        },
        help_text="Used in commands; leave empty to make it from the name. The slug of an "
        "existing constitution makes its next version.",
    )
    start = forms.ChoiceField(
        label="Start from",
        choices=[
            *((name, f"{name.title()}: {about}") for name, about in STARTERS.items()),
            ("empty", "An empty draft"),
            ("file", "A file"),
        ],
        initial="starter",
    )
    file = forms.FileField(
        required=False,
        help_text="YAML or JSON in the format of Concord, Constitutional AI's published prompts "
        "or llm-swarm.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        cleaned["slug"] = cleaned.get("slug") or slugify(cleaned.get("name", ""))[:80]
        if cleaned.get("name") and not cleaned["slug"]:
            self.add_error("slug", "The name has no letters to make a slug from: enter one.")
        start = cleaned.get("start")
        if start in STARTERS:
            cleaned["content"] = starter(start)
        elif start == "file":
            self._read(cleaned)
        return cleaned

    def _read(self, cleaned: dict[str, Any]) -> None:
        upload = cleaned.get("file")
        if not isinstance(upload, UploadedFile):
            self.add_error("file", "Choose a file.")
            return
        if upload.size is not None and upload.size > MAX_FILE_BYTES:
            self.add_error("file", f"The file is larger than {MAX_FILE_BYTES:,} bytes.")
            return
        try:
            cleaned["content"] = read_constitution(upload.read().decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            self.add_error("file", f"The file is not UTF-8 text: {error.reason}.")
        except ConstitutionError as error:
            self.add_error("file", str(error))

    def content(self) -> ConstitutionFile:
        """What the draft begins with."""
        found = self.cleaned_data.get("content")
        return found if isinstance(found, ConstitutionFile) else ConstitutionFile("concord", "", ())


RED_TEAM = ("sensitive:", "Red-team prompts (marked as sensitive)")


class RevisionRunForm(ProjectModelForm):
    constitution = forms.ModelChoiceField(
        ConstitutionVersion.objects.none(), label="Published constitution", empty_label=None
    )
    source = forms.ChoiceField(required=False, label="Prompts")
    limit = forms.IntegerField(
        required=False, min_value=1, max_value=10_000_000, label="Maximum number of prompts"
    )
    rounds = forms.IntegerField(min_value=1, max_value=MOST_ROUNDS, initial=4)
    stop_early = forms.BooleanField(
        required=False, initial=True, label="End a chain when a critique finds nothing"
    )
    use_few_shots = forms.BooleanField(
        required=False, initial=True, label="Show the constitution's examples"
    )
    ask_raters = forms.BooleanField(required=False, label="Also add the pairs to the raters' queue")
    temperature = forms.FloatField(min_value=0, max_value=5, initial=1.0)
    seed = forms.IntegerField(min_value=0, max_value=2**31, initial=0)

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(project, *args, **kwargs)
        versions = ConstitutionVersion.objects.filter(
            constitution__project=project, status=ConstitutionVersion.Status.PUBLISHED
        ).select_related("constitution")
        # What cannot revise is not offered, and refused with the reason when it is posted.
        offered = revising_versions(project.pk) or (list(versions) if self.is_bound else [])
        constitution = self.fields["constitution"]
        constitution.queryset = versions  # type: ignore[attr-defined]
        constitution.widget.choices = [(one.pk, str(one)) for one in offered]
        prompts = Prompt.objects.filter(project=project)
        sources = prompts.order_by("source").values_list("source", flat=True).distinct()
        self.fields["source"].choices = [  # type: ignore[attr-defined]
            ("", "All prompts in the project"),
            *([RED_TEAM] if prompts.filter(sensitive=True).exists() else []),
            *((f"source:{name}", name or "without a source") for name in sources[:200]),
        ]
        self.lacks_constitution = not offered
        self.lacks_prompts = not prompts.exists()
        self.order_fields(["constitution", "model", "engine", "source", "limit"])

    def clean_temperature(self) -> float:
        return usable_temperature(float(self.cleaned_data["temperature"]))

    def selection(self) -> PromptSelection:
        """The prompts that were chosen."""
        kind, _, source = self.cleaned_data["source"].partition(":")
        return PromptSelection(
            source=source if kind == "source" else None,
            sensitive=True if kind == "sensitive" else None,
            limit=self.cleaned_data["limit"],
        )


class PromptsForm(forms.Form):
    """Stands on the page of critique runs, whose own form has a field “source” too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "id_prompts_%s"

    file = forms.FileField(
        help_text="JSONL with one prompt per line, red-team transcripts, or plain text."
    )
    source = forms.CharField(
        max_length=200,
        required=False,
        label="Name of the prompt set",
        help_text="Leave empty to use the file name.",
    )
    red_team = forms.BooleanField(
        required=False, label="Red-team prompts: refusing them is not a fault"
    )
