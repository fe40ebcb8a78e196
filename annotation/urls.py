from django.urls import path

from annotation.api import labelling as api
from annotation.api import project as api_project
from annotation.api import quality as api_quality
from annotation.api import seniors as api_seniors
from annotation.views import (
    adjudication,
    agreement,
    gold,
    labelling,
    overview,
    quality,
    raters,
)

urlpatterns = [
    path("projects/<slug:project_slug>/", overview.project, name="project"),
    path("projects/<slug:project_slug>/label/", labelling.label, name="label"),
    path("projects/<slug:project_slug>/label/next", labelling.label_next, name="label_next"),
    path("projects/<slug:project_slug>/label/pause", labelling.label_pause, name="label_pause"),
    path(
        "projects/<slug:project_slug>/label/acknowledge",
        labelling.label_acknowledge,
        name="label_acknowledge",
    ),
    path("projects/<slug:project_slug>/label/submit", labelling.label_submit, name="label_submit"),
    path("projects/<slug:project_slug>/label/skip", labelling.label_skip, name="label_skip"),
    path("projects/<slug:project_slug>/label/undo", labelling.label_undo, name="label_undo"),
    path("projects/<slug:project_slug>/label/extend", labelling.label_extend, name="label_extend"),
    path("projects/<slug:project_slug>/mine/", raters.mine, name="mine"),
    path("projects/<slug:project_slug>/raters/", raters.raters, name="raters"),
    path("projects/<slug:project_slug>/raters/<int:rater_id>/", raters.rater, name="rater"),
    path(
        "projects/<slug:project_slug>/raters/<int:rater_id>/suspend",
        raters.suspend,
        name="rater_suspend",
    ),
    path(
        "projects/<slug:project_slug>/raters/<int:rater_id>/reinstate",
        raters.reinstate,
        name="rater_reinstate",
    ),
    path(
        "projects/<slug:project_slug>/raters/<int:rater_id>/calibrate",
        raters.calibrate,
        name="rater_calibrate",
    ),
    path(
        "projects/<slug:project_slug>/raters/<int:rater_id>/remove",
        raters.remove,
        name="rater_remove",
    ),
    path("projects/<slug:project_slug>/quality/", quality.policy, name="quality_policy"),
    path("projects/<slug:project_slug>/intake/", quality.intake, name="intake"),
    path("projects/<slug:project_slug>/intake/scan", quality.scan, name="intake_scan"),
    path(
        "projects/<slug:project_slug>/intake/<int:prompt_id>/original",
        quality.original,
        name="prompt_original",
    ),
    path("projects/<slug:project_slug>/agreement/", agreement.dashboard, name="agreement"),
    path(
        "projects/<slug:project_slug>/agreement/charts", agreement.charts, name="agreement_charts"
    ),
    path("projects/<slug:project_slug>/coverage/", quality.coverage, name="coverage"),
    path("projects/<slug:project_slug>/guideline/", quality.guideline, name="guideline"),
    path(
        "projects/<slug:project_slug>/guideline/<int:number>/",
        quality.guideline_version,
        name="guideline_version",
    ),
    path(
        "projects/<slug:project_slug>/guideline/publish",
        quality.guideline_publish,
        name="guideline_publish",
    ),
    path("projects/<slug:project_slug>/gold/", gold.gold, name="gold"),
    path("projects/<slug:project_slug>/gold/next", gold.gold_next, name="gold_next"),
    path("projects/<slug:project_slug>/gold/<int:pair_id>/", gold.gold_pair, name="gold_pair"),
    path(
        "projects/<slug:project_slug>/gold/<int:pair_id>/retire",
        gold.gold_retire,
        name="gold_retire",
    ),
    path(
        "projects/<slug:project_slug>/gold/<int:pair_id>/restore",
        gold.gold_restore,
        name="gold_restore",
    ),
    path(
        "projects/<slug:project_slug>/adjudication/",
        adjudication.adjudications,
        name="adjudications",
    ),
    path(
        "projects/<slug:project_slug>/adjudication/<int:row_id>/",
        adjudication.adjudication,
        name="adjudication",
    ),
    path(
        "projects/<slug:project_slug>/adjudication/<int:row_id>/next",
        adjudication.adjudication_next,
        name="adjudication_next",
    ),
    path(
        "api/projects/<slug:project_slug>/tasks/next", api.NextTask.as_view(), name="api_next_task"
    ),
    path("api/projects/<slug:project_slug>/tasks/undo", api.UndoLabel.as_view(), name="api_undo"),
    path(
        "api/projects/<slug:project_slug>/tasks/release",
        api.ReleaseTasks.as_view(),
        name="api_release",
    ),
    path("api/tasks/<uuid:task_id>/label", api.SubmitLabel.as_view(), name="api_label"),
    path("api/tasks/<uuid:task_id>/skip", api.SkipTask.as_view(), name="api_skip"),
    path("api/tasks/<uuid:task_id>/extend", api.ExtendLease.as_view(), name="api_extend"),
]

API = "api/projects/<slug:project_slug>/"

urlpatterns += [
    path(API + "quality-policy", api_quality.Policy.as_view(), name="api_policy"),
    path(API + "intake-policy", api_quality.Intake.as_view(), name="api_intake"),
    path(API + "raters", api_quality.Raters.as_view(), name="api_raters"),
    path(API + "raters/<int:rater_id>", api_quality.OneRater.as_view(), name="api_rater"),
    path(
        API + "raters/<int:rater_id>/status",
        api_quality.RaterStatus.as_view(),
        name="api_rater_status",
    ),
    path(API + "labels", api_quality.Labels.as_view(), name="api_labels"),
    path(API + "gold", api_seniors.Gold.as_view(), name="api_gold"),
    path(
        API + "gold/<int:pair_id>/answers",
        api_seniors.GoldAnswers.as_view(),
        name="api_gold_answers",
    ),
    path(
        API + "gold/<int:pair_id>/retire",
        api_seniors.GoldRetirement.as_view(),
        name="api_gold_retire",
    ),
    path(API + "adjudications", api_seniors.Adjudications.as_view(), name="api_adjudications"),
    path(
        API + "adjudications/<int:row_id>",
        api_seniors.OneAdjudication.as_view(),
        name="api_adjudication",
    ),
    path(API + "guidelines", api_project.Guidelines.as_view(), name="api_guidelines"),
    path(
        API + "guidelines/<int:number>/read",
        api_project.GuidelineRead.as_view(),
        name="api_guideline_read",
    ),
    path(API + "agreement", api_project.Agreement.as_view(), name="api_agreement"),
    path(API + "consensus", api_project.ConsensusOfAll.as_view(), name="api_consensus"),
    path(API + "progress", api_project.Progress.as_view(), name="api_progress"),
]
