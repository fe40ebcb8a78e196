"""Pages of critique–revise runs: launched, watched, read chain by chain, frozen."""

from __future__ import annotations

import tempfile
from pathlib import Path

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.permissions import READERS, RESEARCHERS, MemberRequest, member_view, user_of
from constitution.errors import ConstitutionError
from constitution.extensions import revision_parts
from constitution.forms import PromptsForm, RevisionRunForm
from constitution.models import Chain, RevisionRun
from constitution.selectors import run_counts
from constitution.services import launch_revision_run, mark_chain
from corpus.errors import ImportFileError
from corpus.imports.prompt_files import import_prompts
from corpus.models import Project
from figures.words import counted
from jobs.polling import whole_once_finished
from jobs.selectors import run_seconds
from jobs.services import request_cancel
from serving.models import Usage
from serving.selectors import usage_of_run

CHAINS_PER_PAGE = 50
MAX_UPLOAD_BYTES = 50_000_000


@member_view(READERS)
def revision_runs(request: MemberRequest, project: Project) -> HttpResponse:
    return _runs_page(request, project, RevisionRunForm(project), PromptsForm())


@require_POST
@member_view(RESEARCHERS)
def launch_revision(request: MemberRequest, project: Project) -> HttpResponseBase:
    form = RevisionRunForm(project, request.POST)
    if not form.is_valid():
        return _runs_page(request, project, form, PromptsForm(), status=400)
    data = form.cleaned_data
    try:
        run = launch_revision_run(
            project=project,
            constitution_version=data["constitution"],
            model_version=data["model"],
            selection=form.selection(),
            engine=data["engine"],
            rounds=data["rounds"],
            stop_early=data["stop_early"],
            use_few_shots=data["use_few_shots"],
            ask_raters=data["ask_raters"],
            temperature=data["temperature"],
            seed=data["seed"],
            created_by=user_of(request),
        )
    except ConstitutionError as error:
        form.add_error(None, str(error))
        return _runs_page(request, project, form, PromptsForm(), status=400)
    return redirect("revision_run", project.slug, run.pk)


@require_POST
@member_view(RESEARCHERS)
def upload_prompts(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Bring a file of prompts in, such as a red-team set."""
    form = PromptsForm(request.POST, request.FILES)
    upload = request.FILES.get("file")
    if isinstance(upload, UploadedFile) and (upload.size or 0) > MAX_UPLOAD_BYTES:
        form.add_error("file", "The file is larger than 50 MB: use manage.py import_prompts.")
    if not form.is_valid() or not isinstance(upload, UploadedFile):
        return _runs_page(request, project, RevisionRunForm(project), form, status=400)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (Path(upload.name or "").name or "prompts.jsonl")
        with path.open("wb") as file:
            for chunk in upload.chunks():
                file.write(chunk)
        try:
            report = import_prompts(
                slug=project.slug,
                path=path,
                source=form.cleaned_data["source"],
                red_team=form.cleaned_data["red_team"],
            )
        except ImportFileError as error:
            form.add_error("file", str(error).replace(f"{folder}/", ""))
            return _runs_page(request, project, RevisionRunForm(project), form, status=400)
    odd = "".join(f" Line {one.line}: {one.reason}." for one in report.rejected[:5])
    told = (
        f"{counted(report.added, 'prompts')} added, {report.duplicates} already there, "
        f"{counted(len(report.rejected), 'lines')} rejected.{odd}"
    )
    (messages.warning if report.rejected else messages.success)(request, told)
    return redirect("prompts" if report.added else "revision_runs", project.slug)


def _runs_page(
    request: MemberRequest,
    project: Project,
    form: RevisionRunForm,
    prompts_form: PromptsForm,
    *,
    status: int = 200,
) -> HttpResponse:
    runs = RevisionRun.objects.filter(project=project).select_related(
        "constitution_version__constitution", "model_version"
    )
    context = {
        "project": project,
        "tab": "constitution",
        "runs": runs[:100],
        "form": form,
        "prompts_form": prompts_form,
        "may_launch": request.membership.role in RESEARCHERS,
    }
    return render(request, "constitution/revision_runs.html", context, status=status)


# Else going back in the browser would show the polled part alone, from its cache.
@vary_on_headers("HX-Request")
@member_view(READERS)
def revision_run(request: MemberRequest, project: Project, run_id: int) -> HttpResponse:
    """A run with its counts and chains; its status alone for the page's own polling."""
    run = _run(project, run_id)
    counts = run_counts(run)
    context = {
        "project": project,
        "tab": "constitution",
        "run": run,
        "counts": counts,
        "findings": [(one.value, one.label, counts.findings[one.value]) for one in Chain.Finding],
        # While it runs, the page asks every two seconds, and there is nothing to judge yet.
        "others": _others(run) if run.is_finished else [],
        "usage": usage_of_run(Usage.Purpose.CRITIQUE, run.pk),
        "seconds": run_seconds(run),
        "currency": settings.CURRENCY,
        "may_cancel": request.membership.role in RESEARCHERS and not run.is_finished,
        "may_freeze": request.membership.role in RESEARCHERS and run.is_finished,
    }
    if request.headers.get("HX-Request") == "true":
        return whole_once_finished(render(request, "constitution/_revision_run.html", context), run)
    wanted = request.GET.get("finding", "")
    chains = Chain.objects.filter(run=run).select_related("prompt").order_by("pk")
    if wanted in Chain.Finding:
        chains = chains.filter(finding=wanted)
    elif wanted == "bad":
        chains = chains.filter(bad=True)
    elif wanted == "new_refusal":
        chains = chains.filter(refuses_now=True)
    else:
        wanted = ""
    page = Paginator(chains.prefetch_related("revisions"), CHAINS_PER_PAGE).get_page(
        request.GET.get("page")
    )
    return render(
        request,
        "constitution/revision_run.html",
        context | {"page": page, "wanted": wanted, "kinds": Chain.Finding.choices},
    )


@require_POST
@member_view(RESEARCHERS)
def cancel_revision(request: MemberRequest, project: Project, run_id: int) -> HttpResponseBase:
    request_cancel(_run(project, run_id))
    return redirect("revision_run", project.slug, run_id)


@member_view(READERS)
def chain(request: MemberRequest, project: Project, run_id: int, chain_id: int) -> HttpResponse:
    """One chain, step by step, with its neighbours to go on to."""
    run = _run(project, run_id)
    found = get_object_or_404(
        Chain.objects.select_related("prompt", "pair", "bad_by"), pk=chain_id, run=run
    )
    there = Chain.objects.filter(run=run)
    context = {
        "project": project,
        "tab": "constitution",
        "run": run,
        "chain": found,
        "steps": found.revisions.select_related("principle").order_by("round"),
        "previous": there.filter(pk__lt=found.pk).order_by("-pk").first(),
        "next": there.filter(pk__gt=found.pk).order_by("pk").first(),
        "may_mark": request.membership.role in READERS,
    }
    return render(request, "constitution/chain.html", context)


@require_POST
@member_view(READERS)
def mark_chain_view(
    request: MemberRequest, project: Project, run_id: int, chain_id: int
) -> HttpResponseBase:
    """Mark a chain as bad with a reason, or take the mark away."""
    found = get_object_or_404(Chain, pk=chain_id, run=_run(project, run_id))
    user = user_of(request)
    if user is not None:
        try:
            mark_chain(
                chain=found,
                bad=request.POST.get("bad") == "yes",
                user=user,
                reason=request.POST.get("reason", ""),
            )
        except ConstitutionError as error:
            messages.error(request, str(error))
    return redirect("chain", project.slug, run_id, chain_id)


def _others(run: RevisionRun) -> list[str]:
    """What others say of the run's pairs."""
    return [html for part in revision_parts if (html := part(run))]


def _run(project: Project, run_id: int) -> RevisionRun:
    runs = RevisionRun.objects.select_related(
        "constitution_version__constitution", "model_version", "project"
    )
    return get_object_or_404(runs, pk=run_id, project=project)
