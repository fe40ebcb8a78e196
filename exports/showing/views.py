"""The page of one dataset version, its files, and two versions beside each other."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import Case, QuerySet, When
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render

from accounts.permissions import READERS, RESEARCHERS, MemberRequest, member_view
from annotation.agreement.words import headline
from corpus.models import Project
from exports.card import card_text
from exports.forecast import warning_of
from exports.models import DatasetVersion
from exports.selectors import datasets_of
from exports.showing import summary
from exports.showing.charts import clear_said, sureness, sureness_chart
from exports.showing.comparing import differences, only_raters, shared
from exports.showing.files import card_of, files_of
from exports.showing.preview import preview
from exports.words import filter_words, never_attacked_words, reason_words

PREVIEW_ROWS = 20
RUNS_SHOWN = 20
RATERS_SHOWN = 30
VERSIONS_OFFERED = 100


@member_view(READERS)
def dataset(request: MemberRequest, project: Project, sha256: str) -> HttpResponse:
    found = _found(project, sha256)
    manifest = found.manifest
    raters = manifest.get("labels", {}).get("raters", [])
    dimensions, alike = summary.strata(manifest)
    runs = found.training_runs.select_related("result_model").defer("spec")
    context = {
        "project": project,
        "tab": "datasets",
        "dataset": found,
        "manifest": manifest,
        "headline": summary.headline(found.kind, manifest),
        "split_said": summary.split_said(found.kind, manifest),
        "warnings": [
            said for said in (warning_of(manifest), never_attacked_words(manifest)) if said
        ],
        "parts": summary.outcome(manifest),
        "left_out": summary.left_out(manifest),
        "clear_said": clear_said(sureness(found)),
        # Versions of before say nothing of it.
        "agreement": headline(manifest["agreement"]) if "agreement" in manifest else None,
        "strata": dimensions,
        "alike": alike,
        "kept_out": [
            (name, reason_words(why))
            for name, why in manifest.get("labels", {}).get("kept_out", {}).items()
        ],
        "raters": raters[:RATERS_SHOWN],
        "more_raters": max(0, len(raters) - RATERS_SHOWN),
        "filters": filter_words(manifest.get("filters", {})),
        "rows": preview(found, PREVIEW_ROWS),
        "files": files_of(found),
        "card": card_of(found),
        "runs": runs[:RUNS_SHOWN],
        "comparable": _others(found).exists(),
        "may_train": request.membership.role in RESEARCHERS,
    }
    return render(request, "exports/dataset.html", context)


@member_view(READERS)
def dataset_charts(request: MemberRequest, project: Project, sha256: str) -> JsonResponse:
    p_chosen = sureness(_found(project, sha256))
    return JsonResponse({"charts": {"sure": sureness_chart(p_chosen)} if len(p_chosen) else {}})


@member_view(RESEARCHERS)
def dataset_file(
    request: MemberRequest, project: Project, sha256: str, file_name: str
) -> HttpResponseBase:
    """A file of the version to take away. Manifest and card are this project's own, whoever froze
    the same rows before, and are there even where the folder is gone."""
    found = _found(project, sha256)
    saved_as = f"{found.name}-v{found.number}-{file_name}"
    as_file = {"Content-Disposition": f'attachment; filename="{saved_as}"'}
    if file_name == "manifest.json":
        text = json.dumps(found.manifest, indent=2, ensure_ascii=False, sort_keys=True)
        return HttpResponse(f"{text}\n", content_type="application/json", headers=as_file)
    if file_name == "README.md":
        card = card_text(found.manifest)
        return HttpResponse(card, content_type="text/markdown; charset=utf-8", headers=as_file)
    if file_name not in {one.name for one in files_of(found)}:
        raise Http404("No such file.")
    return FileResponse(
        (found.folder / file_name).open("rb"), as_attachment=True, filename=saved_as
    )


@member_view(READERS)
def compare(request: MemberRequest, project: Project, sha256: str) -> HttpResponse:
    """This version beside another of its kind: the one asked for, else the last before it."""
    found = _found(project, sha256)
    others = list(_others(found).defer("manifest")[:VERSIONS_OFFERED])
    wanted = request.GET.get("with", "")
    named = next((one for one in others if one.sha256 == wanted), None)
    other = named or next(
        (one for one in others if one.pk < found.pk), others[0] if others else None
    )
    context: dict[str, Any] = {
        "project": project,
        "tab": "datasets",
        "dataset": found,
        "other": other,
        "others": others,
    }
    if other is not None:
        both = shared(found, other)
        context |= {
            "shared": both,
            "parts": both.parts(str(found), str(other)) if both else [],
            "differences": differences(found.manifest, other.manifest),
            "raters_here": only_raters(found.manifest, other.manifest),
            "raters_there": only_raters(other.manifest, found.manifest),
        }
    return render(request, "exports/compare.html", context)


def _found(project: Project, sha256: str) -> DatasetVersion:
    # The same rows frozen under several names have one hash; the newest name stands for them.
    found = datasets_of(project).filter(sha256=sha256).first()
    if found is None:
        raise Http404("No such dataset.")
    return found


def _others(dataset: DatasetVersion) -> QuerySet[DatasetVersion]:
    """Versions of its kind with other rows, those of its own name first, the newest first."""
    same = DatasetVersion.objects.filter(project=dataset.project_id, kind=dataset.kind)
    others = same.exclude(sha256=dataset.sha256)
    return others.alias(named=Case(When(name=dataset.name, then=0), default=1)).order_by(
        "named", "-pk"
    )
