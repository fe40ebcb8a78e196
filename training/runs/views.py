"""Pages of training runs and models."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.permissions import (
    ADMINS,
    READERS,
    RESEARCHERS,
    SENIORS,
    MemberRequest,
    member_view,
)
from annotation.models import Rater
from corpus.errors import ModelNotAllowedError
from corpus.models import ModelRegistration, ModelVersion, Project
from corpus.registry import launch_registration
from exports.showing.summary import headline as dataset_headline
from jobs.models import JobState
from judging.models import JudgeConfig
from training.errors import TrainingError
from training.models import TrainingRun
from training.registry.lineage import ancestry_of, touched_by
from training.registry.showing import measured, not_askable
from training.runs.charts import PANELS, run_charts
from training.runs.forms import METHODS, PricesForm, RegisterModelForm, TrainForm
from training.runs.selectors import metric_rows, models_of, origin_of, runs_of
from training.runs.services import cancel_training, launch_training

LINEAGE_SHOWN = 12
LISTED = 20


@member_view(READERS)
def training_runs(request: MemberRequest, project: Project) -> HttpResponse:
    context = {
        "project": project,
        "tab": "runs",
        "runs": runs_of(project)[:200],
        "may_launch": request.membership.role in RESEARCHERS,
    }
    return render(request, "training/runs.html", context)


@member_view(RESEARCHERS)
def train(request: MemberRequest, project: Project) -> HttpResponseBase:
    if request.method != "POST":
        asked = {name: request.GET.get(name) for name in ("dataset", "method", "base_model")}
        form = TrainForm(project, initial={k: v for k, v in asked.items() if v})
        return _form_page(request, project, form)
    form = TrainForm(project, request.POST)
    if not form.is_valid():
        return _form_page(request, project, form, status=400)
    try:
        run = launch_training(
            project=project,
            dataset=form.cleaned_data["dataset"],
            base_model=form.cleaned_data["base_model"],
            parameters=form.parameters(),
            created_by=request.user if isinstance(request.user, User) else None,
        )
    except TrainingError as error:
        form.add_error(None, str(error))
        return _form_page(request, project, form, status=400)
    return redirect("training_run", project.slug, run.pk)


def _form_page(
    request: MemberRequest, project: Project, form: TrainForm, *, status: int = 200
) -> HttpResponse:
    context = {
        "project": project,
        "tab": "runs",
        "form": form,
        "methods": [(name, *said, name == form.chosen_method) for name, said in METHODS.items()],
    }
    return render(request, "training/train.html", context, status=status)


# Else going back in the browser would show the polled part alone, from its cache.
@vary_on_headers("HX-Request")
@member_view(READERS)
def training_run(request: MemberRequest, project: Project, run_id: int) -> HttpResponse:
    """A run's page; its status alone for the page's own polling."""
    run = get_object_or_404(runs_of(project), pk=run_id)
    context = {
        "project": project,
        "tab": "runs",
        "run": run,
        "result": run.result or {},
        "last": run.metrics.last(),
        "panels": PANELS[run.method],
        "stacked": origin_of(run.base_model),
        "may_cancel": request.membership.role in RESEARCHERS and not run.is_finished,
    }
    polled = request.headers.get("HX-Request") == "true"
    return render(request, "training/_status.html" if polled else "training/run.html", context)


@member_view(READERS)
def run_metrics(request: MemberRequest, project: Project, run_id: int) -> JsonResponse:
    """The run's charts as Vega-Lite specs, and whether more is to come."""
    run = get_object_or_404(TrainingRun, pk=run_id, project=project)
    rows = metric_rows(run)
    last_step = rows[-1]["step"] if rows else None
    return JsonResponse(
        {
            "finished": run.is_finished,
            "last_step": last_step,
            "charts": run_charts(run.method, rows),
        }
    )


@require_POST
@member_view(RESEARCHERS)
def cancel_run(request: MemberRequest, project: Project, run_id: int) -> HttpResponseBase:
    cancel_training(get_object_or_404(TrainingRun, pk=run_id, project=project))
    return redirect("training_run", project.slug, run_id)


# Else going back in the browser would show the polled part alone, from its cache.
@vary_on_headers("HX-Request")
@member_view(READERS)
def models(request: MemberRequest, project: Project) -> HttpResponse:
    if request.headers.get("HX-Request") == "true":
        return render(request, "training/_models.html", _models(project))
    return _models_page(request, project, RegisterModelForm())


@require_POST
@member_view(RESEARCHERS)
def register_model(request: MemberRequest, project: Project) -> HttpResponseBase:
    """Have a base model looked over and registered; consent to its code is an admin's to give."""
    form = RegisterModelForm(request.POST)
    if not form.is_valid() or not isinstance(request.user, User):
        return _models_page(request, project, form, status=400)
    if form.cleaned_data["consent"] and request.membership.role not in ADMINS:
        form.add_error("consent", "Only a project admin can allow this.")
        return _models_page(request, project, form, status=403)
    try:
        launch_registration(project=project, created_by=request.user, **form.cleaned_data)
    except ModelNotAllowedError as error:
        form.add_error("location", str(error))
        return _models_page(request, project, form, status=400)
    return redirect("models", project.slug)


@require_POST
@member_view(ADMINS)
def set_prices(request: MemberRequest, project: Project, model_id: int) -> HttpResponseBase:
    """What a million tokens of this model cost from now on."""
    found = get_object_or_404(ModelVersion, pk=model_id, project=project)
    form = PricesForm(request.POST, instance=found)
    if not form.is_valid():
        return _model_page(request, project, found, form, status=400)
    form.save()
    return redirect("model", project.slug, found.pk)


def _models_page(
    request: MemberRequest, project: Project, form: RegisterModelForm, *, status: int = 200
) -> HttpResponse:
    context = {
        **_models(project),
        "form": form,
        "may_register": request.membership.role in RESEARCHERS,
    }
    return render(request, "training/models.html", context, status=status)


def _models(project: Project) -> dict[str, object]:
    registrations = ModelRegistration.objects.filter(project=project)
    unfinished = registrations.exclude(state=JobState.SUCCEEDED)[:5]
    return {
        "project": project,
        "tab": "models",
        "models": models_of(project),
        "registrations": unfinished,
        "waiting": any(not one.is_finished for one in unfinished),
    }


@member_view(READERS)
def model(request: MemberRequest, project: Project, model_id: int) -> HttpResponse:
    found = get_object_or_404(models_of(project), pk=model_id)
    return _model_page(request, project, found, PricesForm(instance=found))


def _model_page(
    request: MemberRequest,
    project: Project,
    found: ModelVersion,
    form: PricesForm,
    *,
    status: int = 200,
) -> HttpResponse:
    run = (
        TrainingRun.objects.filter(result_model=found)
        .select_related("dataset")
        .defer("spec")
        .first()
    )
    ancestry = ancestry_of(found)
    children = models_of(project).filter(parent=found)
    judges = JudgeConfig.objects.filter(model_version=found).select_related("rater")
    may_use = request.membership.role in RESEARCHERS
    context = {
        "project": project,
        "tab": "models",
        "model": found,
        "run": run,
        "data_said": dataset_headline(run.dataset.kind, run.dataset.manifest) if run else "",
        "measured": measured(found, run),
        "panels": PANELS.get(run.method, ()) if run and run.metrics.exists() else (),
        "lineage": ancestry[-LINEAGE_SHOWN:],
        "earlier": max(0, len(ancestry) - LINEAGE_SHOWN),
        "children": children[:LISTED],
        "more_children": max(0, children.count() - LISTED),
        "judges": judges[:LISTED],
        "more_judges": max(0, judges.count() - LISTED),
        "may_use": may_use,
        "not_askable": not_askable(ancestry[-1]) if may_use else "",
        "form": form,
        "currency": settings.CURRENCY,
        "may_price": request.membership.role in ADMINS,
    }
    return render(request, "training/model.html", context, status=status)


@member_view(SENIORS)
def rater_lineage(request: MemberRequest, project: Project, rater_id: int) -> HttpResponse:
    """The part of a rater's page that lists what their labels went into."""
    rater = get_object_or_404(Rater, pk=rater_id, project=project)
    context = {"project": project, "rater": rater, "touched": touched_by(rater)}
    return render(request, "training/_rater_lineage.html", context)
