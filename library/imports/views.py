"""Pages of imports: bring a file or a dataset in, see how it is read, watch it, read its report."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.permissions import READERS, RESEARCHERS, MemberRequest, member_view, user_of
from corpus.errors import DependedOnError, ImportFileError
from corpus.importers.files.hub import HubDataset
from corpus.importers.mapping import TITLES, ColumnMap
from corpus.importers.registry import FORMATS
from corpus.imports.dry_run import SHOWN_RECORDS, DryRun, dry_run
from corpus.imports.report import OTHERS, read_report
from corpus.imports.services import launch_import, pin, save_mapping, saved_mapping
from corpus.imports.storing import Making
from corpus.imports.taking_back import plan_taking_back, take_back
from corpus.imports.uploads import KEPT_FOR, add_part, begin_upload, complete, discard
from corpus.models import Import, Project, Upload
from corpus.tasks import take_back_task
from jobs.polling import whole_once_finished
from jobs.selectors import run_seconds
from jobs.services import request_cancel
from library.imports.forms import FileForm, HubForm, ReadingForm
from library.imports.looking import (
    Head,
    hash_small,
    head_of_dataset,
    head_of_upload,
    imported_before,
    known_head,
    shown,
)

IMPORTS_A_PAGE = 50
LINES_A_REASON = 5
REASONS_SHOWN = 50
FIELDS_SHOWN = 60
TAKEN_BACK_AT_ONCE = 10_000
"""Rows that are deleted while the reader waits; for more a worker takes minutes."""


@member_view(READERS)
def imports(request: MemberRequest, project: Project) -> HttpResponse:
    """The imports of a project, the newest first."""
    rows = Import.objects.filter(project=project).select_related("created_by")
    page = Paginator(rows, IMPORTS_A_PAGE).get_page(request.GET.get("page"))
    may_import = request.membership.role in RESEARCHERS
    context = {
        "project": project,
        "tab": "imports",
        "page": page,
        "rows": [(one, read_report(one.report)) for one in page],
        "may_import": may_import,
        "uploads": _waiting(request, project) if may_import else [],
        "kept_days": KEPT_FOR.days,
    }
    return render(request, "library/imports.html", context)


def _waiting(request: MemberRequest, project: Project) -> list[tuple[Upload, bool]]:
    """The reader's own uploads that nobody imported yet, and whether they are here whole."""
    mine = Upload.objects.filter(project=project, created_by=user_of(request), imports=None)
    return [(one, complete(one)) for one in mine.order_by("-pk")[:20]]


@member_view(RESEARCHERS)
def import_new(request: MemberRequest, project: Project) -> HttpResponseBase:
    """A file or the name of a dataset. With JavaScript a file goes up in parts instead."""
    file_form, hub_form = FileForm(), HubForm()
    if request.method == "POST" and "name" in request.POST:
        hub_form = HubForm(request.POST)
        if hub_form.is_valid():
            named = hub_form.cleaned_data["dataset"].model_dump()
            return redirect(f"{reverse('import_hub', args=[project.slug])}?{urlencode(named)}")
    elif request.method == "POST":
        file_form = FileForm(request.POST, request.FILES)
        if file_form.is_valid():
            try:
                upload = _keep(request, project, file_form.cleaned_data["file"])
                return redirect("import_upload", project.slug, upload.pk)
            except ImportFileError as error:
                file_form.add_error("file", str(error))
    context = {
        "project": project,
        "tab": "imports",
        "file_form": file_form,
        "hub_form": hub_form,
        "part_bytes": settings.UPLOAD_PART_BYTES,
        "most_bytes": settings.UPLOAD_MAX_BYTES,
    }
    status = 400 if file_form.is_bound or hub_form.is_bound else 200
    return render(request, "library/import_new.html", context, status=status)


def _keep(request: MemberRequest, project: Project, file: UploadedFile[Any]) -> Upload:
    """A file that came in one request, stored as one that came in parts. ImportFileError."""
    upload = begin_upload(
        project=project, name=file.name or "file", size=file.size or 0, user=user_of(request)
    )
    offset = 0
    for data in file.chunks(settings.UPLOAD_PART_BYTES):
        offset = add_part(upload=upload, offset=offset, data=data)
    return upload


def _own_upload(request: MemberRequest, project: Project, upload_id: int) -> Upload:
    return get_object_or_404(Upload, pk=upload_id, project=project, created_by=request.user.pk)


@member_view(RESEARCHERS)
def import_upload(request: MemberRequest, project: Project, upload_id: int) -> HttpResponseBase:
    """How an upload is read, and the button that imports it."""
    upload = _own_upload(request, project, upload_id)
    context: dict[str, Any] = {"upload": upload, "name": upload.name}
    if not complete(upload):
        return _reading_page(request, project, context | {"partial": True})
    try:
        head = head_of_upload(upload)
    except ImportFileError as error:
        return _reading_page(request, project, context | {"problem": str(error)})
    context["before"] = imported_before(project, hash_small(upload))
    return _read(request, project, head, context)


@member_view(RESEARCHERS)
def import_hub(request: MemberRequest, project: Project) -> HttpResponseBase:
    """How a hub's dataset is read. The hub may take its time: a page that has none of its rows
    opens without them, and fetches them then."""
    asked = HubForm(request.GET)
    if not asked.is_valid():
        return redirect("import_new", project.slug)
    dataset: HubDataset = asked.cleaned_data["dataset"]
    context: dict[str, Any] = {"dataset": dataset, "name": dataset.name}
    waits = request.method == "GET" and "fetch" not in request.GET
    if waits and known_head(dataset) is None:
        return _reading_page(request, project, context | {"fetching": True})
    try:
        head = head_of_dataset(dataset)
    except ImportFileError as error:
        return _reading_page(request, project, context | {"problem": str(error)})
    return _read(request, project, head, context)


def _read(
    request: MemberRequest, project: Project, head: Head, context: dict[str, Any]
) -> HttpResponseBase:
    """The page of a source whose first rows are known: what its buttons ask for is done."""
    done = request.POST.get("do", "")
    saved: ColumnMap | None = None
    form = ReadingForm(project, head, request.POST if request.method == "POST" else None)
    status = 200
    if done == "use":
        try:
            saved = saved_mapping(project.slug, request.POST.get("saved", ""))
            form = ReadingForm(project, head, saved=saved)
        except ImportFileError as error:
            form.add_error("saved", str(error))
            status = 400
    elif done == "save" and form.is_valid():
        if _save(request, project, form):
            saved = form.mapping()
            form = ReadingForm(project, head, saved=saved)
        else:
            status = 400
    elif done == "import" and form.is_valid():
        try:
            return _launch(request, project, form, context)
        except ImportFileError as error:
            form.add_error(None, str(error))
            status = 400
    elif request.method == "POST" and not form.is_valid():
        status = 400
    context |= {"form": form, "head": head, **_dry(form, head)}
    return _reading_page(request, project, context, status=status)


def _save(request: MemberRequest, project: Project, form: ReadingForm) -> bool:
    name = form.cleaned_data["save_as"].strip()
    if not name:
        form.add_error("save_as", "Give the mapping a name.")
        return False
    save_mapping(project=project, name=name, mapping=form.mapping(), user=user_of(request))
    messages.success(request, f"The columns were saved as “{name}”.")
    return True


def _launch(
    request: MemberRequest, project: Project, form: ReadingForm, context: dict[str, Any]
) -> HttpResponseBase:
    dataset: HubDataset | None = context.get("dataset")
    job = launch_import(
        project=project,
        upload=context.get("upload"),
        dataset=pin(dataset) if dataset else None,
        choices=form.cleaned_data["choices"],
        user=user_of(request),
    )
    return redirect("import", project.slug, job.pk)


def _dry(form: ReadingForm, head: Head) -> dict[str, Any]:
    """What an import would do by what the form says now; nothing where it says too little."""
    if form.is_bound and form.errors:
        return {}
    try:
        choices = form.choices()
        found: DryRun = dry_run(head, choices)
    except ImportFileError as error:
        return {"unread": str(error)}
    making = Making(choices.pair_policy, choices.pairs_per_prompt)
    lines: dict[str, list[int]] = {}
    for one in found.report.rejected:
        lines.setdefault(one.reason, []).append(one.line)
    return {
        "found": found,
        "report": found.report,
        # A template would ask a Counter for its entry "items".
        "kinds": [(kind, count) for kind, count in found.kinds.items() if kind != "pair"],
        "records": shown(found.records, making, SHOWN_RECORDS),
        "reasons": [
            (reason, count, lines.get(reason, [])[:LINES_A_REASON])
            for reason, count in found.report.reasons.most_common(REASONS_SHOWN)
        ],
        "kept": found.report.kept_fields.most_common(FIELDS_SHOWN),
        "dropped": found.report.dropped_fields.most_common(FIELDS_SHOWN),
    }


def _reading_page(
    request: MemberRequest, project: Project, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    whole = {"project": project, "tab": "imports", **context}
    return render(request, "library/import_reading.html", whole, status=status)


@require_POST
@member_view(RESEARCHERS)
def upload_discard(request: MemberRequest, project: Project, upload_id: int) -> HttpResponseBase:
    upload = _own_upload(request, project, upload_id)
    if discard(upload):
        messages.success(request, f"{upload.name} was thrown away.")
    else:
        messages.error(request, f"{upload.name} is being imported. Cancel the import first.")
    return redirect("imports", project.slug)


# Else going back in the browser would show the polled part alone, from its cache.
@vary_on_headers("HX-Request")
@member_view(READERS)
def import_page(request: MemberRequest, project: Project, import_id: int) -> HttpResponse:
    """An import's page: its progress while it lasts, then its report."""
    job = get_object_or_404(
        Import.objects.select_related("created_by", "taken_back_by", "upload"),
        pk=import_id,
        project=project,
    )
    may_import = request.membership.role in RESEARCHERS
    report = read_report(job.report)
    context = {
        "project": project,
        "tab": "imports",
        "job": job,
        "report": report,
        "seconds": run_seconds(job),
        "may_cancel": may_import and not job.is_finished,
        "before": imported_before(project, job.file_sha256, besides=job.pk),
    }
    if request.headers.get("HX-Request") == "true":
        return whole_once_finished(render(request, "library/_import.html", context), job)
    context |= {
        "reasons": [
            (reason, count, _lines(job, reason))
            for reason, count in report.reasons.most_common(REASONS_SHOWN)
        ],
        "kept": report.kept_fields.most_common(FIELDS_SHOWN),
        "dropped": report.dropped_fields.most_common(FIELDS_SHOWN),
        "format": FORMATS[report.format].TITLE if report.format in FORMATS else "",
        "columns": [
            (title, column)
            for field, title in TITLES.items()
            if (column := (job.mapping or {}).get("columns", {}).get(field))
        ],
        "may_take_back": may_import and job.is_finished and job.taken_back_at is None,
        "upload_again": may_import
        and job.is_finished
        and job.state != Import.State.SUCCEEDED
        and job.upload is not None
        and job.upload.created_by_id == request.user.pk,
    }
    return render(request, "library/import.html", context)


def _lines(job: Import, reason: str) -> list[int]:
    """The first lines that were rejected for a reason."""
    if reason == OTHERS:
        return []
    return list(
        job.rejections.filter(reason=reason).values_list("line", flat=True)[:LINES_A_REASON]
    )


@require_POST
@member_view(RESEARCHERS)
def import_cancel(request: MemberRequest, project: Project, import_id: int) -> HttpResponseBase:
    request_cancel(get_object_or_404(Import, pk=import_id, project=project))
    return redirect("import", project.slug, import_id)


class _Echo:
    """Where a writer of CSV writes, which hands each line on."""

    def write(self, line: str) -> str:
        return line


@member_view(READERS)
def import_rejected(request: MemberRequest, project: Project, import_id: int) -> HttpResponseBase:
    """Every line that did not go in, with its reason, as a CSV file."""
    job = get_object_or_404(Import, pk=import_id, project=project)
    writer = csv.writer(_Echo())

    def lines() -> Iterator[str]:
        yield writer.writerow(["line", "reason"])
        for line, reason in job.rejections.values_list("line", "reason").iterator():
            yield writer.writerow([line, _inert(reason)])

    answer = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="import-{job.pk}-rejected.csv"'
    return answer


def _inert(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


@member_view(RESEARCHERS)
def import_take_back(request: MemberRequest, project: Project, import_id: int) -> HttpResponseBase:
    """What taking an import back would delete, or what stands in the way; and the button."""
    job = get_object_or_404(Import, pk=import_id, project=project)
    plan = plan_taking_back(job)
    large = sum(count for _, count in plan.deleted) > TAKEN_BACK_AT_ONCE
    if request.method == "POST" and large and not plan.in_the_way:
        take_back_task.delay(job.pk, request.user.pk)
        messages.info(request, f"{job.name} is being taken back. This can take some minutes.")
        return redirect("import", project.slug, job.pk)
    if request.method == "POST":
        try:
            take_back(job=job, user=user_of(request))
            messages.success(request, f"{job.name} was taken back.")
            return redirect("import", project.slug, job.pk)
        except DependedOnError as error:
            messages.error(request, str(error))
    context = {
        "project": project,
        "tab": "imports",
        "job": job,
        "plan": plan,
    }
    return render(request, "library/import_take_back.html", context)
