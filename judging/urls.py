from django.urls import path

from judging import constitution_views, editor_views, inference_views, revision_views
from judging.api import constitutions as api
from judging.api import judges as api_judges
from judging.api import revisions as api_revisions
from judging.api import runs as api_runs
from judging.views import impact as impact_views
from judging.views import judges as judge_views
from judging.views import runs as views
from judging.views import triage as triage_views

CONSTITUTION = "projects/<slug:project_slug>/constitution/"
VERSION = f"{CONSTITUTION}<slug:slug>/<int:number>/"
PRINCIPLE = f"{VERSION}principles/<int:principle_id>/"
JUDGE = "projects/<slug:project_slug>/judge/"
ONE_JUDGE = f"{JUDGE}judges/<int:judge_id>/"
API = "api/projects/<slug:project_slug>/"
API_VERSION = f"{API}constitutions/<slug:slug>/<int:number>"
API_JUDGE = f"{API}judges/<int:judge_id>"
CRITIQUE = "projects/<slug:project_slug>/critique/"

urlpatterns = [
    path("projects/<slug:project_slug>/inference/", inference_views.inference, name="inference"),
    path(
        "projects/<slug:project_slug>/inference/try", inference_views.playground, name="playground"
    ),
    path(
        "projects/<slug:project_slug>/inference/trials/<int:trial_id>/",
        inference_views.trial,
        name="trial",
    ),
    path(
        "projects/<slug:project_slug>/inference/stop",
        inference_views.stop_server,
        name="stop_server",
    ),
    path(CONSTITUTION, constitution_views.constitutions, name="constitutions"),
    path(f"{CONSTITUTION}new", constitution_views.create_constitution, name="create_constitution"),
    path(VERSION, constitution_views.constitution_version, name="constitution_version"),
    path(f"{VERSION}export", constitution_views.constitution_export, name="constitution_export"),
    path(
        f"{VERSION}history/", constitution_views.constitution_history, name="constitution_history"
    ),
    path(f"{VERSION}comment", constitution_views.constitution_comment, name="constitution_comment"),
    path(
        f"{VERSION}compare/", constitution_views.constitution_compare, name="constitution_compare"
    ),
    path(
        f"{VERSION}publish/", constitution_views.constitution_publish, name="constitution_publish"
    ),
    path(f"{VERSION}retire", constitution_views.constitution_retire, name="constitution_retire"),
    path(f"{VERSION}draft", constitution_views.constitution_draft, name="constitution_draft"),
    path(f"{VERSION}discard", constitution_views.constitution_discard, name="constitution_discard"),
    path(f"{VERSION}conversations", editor_views.few_shots_edit, name="few_shots_edit"),
    path(f"{VERSION}changes", editor_views.draft_changes, name="draft_changes"),
    path(f"{VERSION}principles/", editor_views.principles_part, name="principles_part"),
    path(f"{VERSION}principles/add", editor_views.principle_add, name="principle_add"),
    path(PRINCIPLE, editor_views.principle_edit, name="principle_edit"),
    path(f"{PRINCIPLE}duplicate", editor_views.principle_duplicate, name="principle_duplicate"),
    path(f"{PRINCIPLE}remove", editor_views.principle_remove, name="principle_remove"),
    path(f"{PRINCIPLE}move", editor_views.principle_move, name="principle_move"),
    path(f"{VERSION}try/", impact_views.constitution_try, name="constitution_try"),
    path(f"{VERSION}try/<int:trial_id>/", impact_views.draft_trial, name="draft_trial"),
    path(f"{VERSION}impact/", impact_views.constitution_impact, name="constitution_impact"),
    path(f"{VERSION}impact/audit", impact_views.draw_audit, name="draw_audit"),
    path(f"{VERSION}impact/<int:run_id>/cancel", impact_views.cancel_impact, name="cancel_impact"),
    path(CRITIQUE, revision_views.revision_runs, name="revision_runs"),
    path(f"{CRITIQUE}launch", revision_views.launch_revision, name="launch_revision"),
    path(f"{CRITIQUE}prompts", revision_views.upload_prompts, name="upload_prompts"),
    path(f"{CRITIQUE}<int:run_id>/", revision_views.revision_run, name="revision_run"),
    path(f"{CRITIQUE}<int:run_id>/cancel", revision_views.cancel_revision, name="cancel_revision"),
    path(f"{CRITIQUE}<int:run_id>/chains/<int:chain_id>/", revision_views.chain, name="chain"),
    path(
        f"{CRITIQUE}<int:run_id>/chains/<int:chain_id>/mark",
        revision_views.mark_chain_view,
        name="mark_chain",
    ),
    path(JUDGE, views.judge_runs, name="judge_runs"),
    path(f"{JUDGE}new", views.judge_new, name="judge_new"),
    path(f"{JUDGE}launch", views.launch_judge, name="launch_judge"),
    path(f"{JUDGE}<int:run_id>/", views.judge_run, name="judge_run"),
    path(
        f"{JUDGE}<int:run_id>/cancel",
        views.cancel_judge,
        name="cancel_judge",
    ),
    path(f"{JUDGE}jury", views.create_jury, name="create_jury"),
    path(f"{JUDGE}bounds", judge_views.judge_policy, name="judge_policy"),
    path(f"{JUDGE}triage/", triage_views.triage_page, name="triage"),
    path(f"{JUDGE}triage/charts", triage_views.triage_charts, name="triage_charts"),
    path(f"{JUDGE}triage/send", triage_views.send_triage, name="send_triage"),
    path(f"{JUDGE}wins/", triage_views.win_rates_page, name="win_rates"),
    path(ONE_JUDGE, judge_views.judge, name="judge"),
    path(f"{ONE_JUDGE}charts", judge_views.judge_charts, name="judge_charts"),
    path(f"{ONE_JUDGE}check", judge_views.check_judge, name="check_judge"),
    path(f"{ONE_JUDGE}attack", judge_views.attack_judge, name="attack_judge"),
    path(f"{ONE_JUDGE}calibrate", judge_views.calibrate_judge, name="calibrate_judge"),
    path(f"{ONE_JUDGE}scale", judge_views.scale_judge, name="scale_judge"),
    path(f"{API}constitutions", api.Constitutions.as_view(), name="api_constitutions"),
    path(API_VERSION, api.OneVersion.as_view(), name="api_constitution"),
    path(f"{API_VERSION}/export", api.Export.as_view(), name="api_constitution_export"),
    path(f"{API_VERSION}/principles", api.Principles.as_view(), name="api_principles"),
    path(
        f"{API_VERSION}/principles/<int:principle_id>",
        api.OnePrinciple.as_view(),
        name="api_principle",
    ),
    path(f"{API_VERSION}/publish", api.Publish.as_view(), name="api_constitution_publish"),
    path(f"{API_VERSION}/retire", api.Retire.as_view(), name="api_constitution_retire"),
    path(f"{API_VERSION}/draft", api.NextDraft.as_view(), name="api_constitution_draft"),
    path(f"{API_VERSION}/changes", api.Changes.as_view(), name="api_constitution_changes"),
    path(f"{API_VERSION}/comments", api.Comments.as_view(), name="api_constitution_comments"),
    path(f"{API_VERSION}/compare", api.Compare.as_view(), name="api_constitution_compare"),
    path(f"{API_VERSION}/impact", api_revisions.Impact.as_view(), name="api_constitution_impact"),
    path(f"{API}critique-runs", api_revisions.RevisionRuns.as_view(), name="api_critique_runs"),
    path(
        f"{API}critique-runs/<int:run_id>",
        api_revisions.OneRevisionRun.as_view(),
        name="api_critique_run",
    ),
    path(
        f"{API}critique-runs/<int:run_id>/cancel",
        api_revisions.CancelRevisionRun.as_view(),
        name="api_critique_cancel",
    ),
    path(
        f"{API}critique-runs/<int:run_id>/chains",
        api_revisions.Chains.as_view(),
        name="api_chains",
    ),
    path(
        f"{API}critique-runs/<int:run_id>/chains/<int:chain_id>/mark",
        api_revisions.MarkChain.as_view(),
        name="api_chain_mark",
    ),
    path(f"{API}judges", api_judges.Judges.as_view(), name="api_judges"),
    path(f"{API}judge-bounds", api_judges.Bounds.as_view(), name="api_judge_bounds"),
    path(API_JUDGE, api_judges.OneJudge.as_view(), name="api_judge"),
    path(f"{API_JUDGE}/report", api_judges.JudgeReportRead.as_view(), name="api_judge_report"),
    path(f"{API_JUDGE}/attacks", api_judges.Attacks.as_view(), name="api_judge_attacks"),
    path(
        f"{API_JUDGE}/calibrations",
        api_judges.Calibrations.as_view(),
        name="api_judge_calibrations",
    ),
    path(f"{API_JUDGE}/triage", api_runs.Triage.as_view(), name="api_judge_triage"),
    path(f"{API_JUDGE}/plan", api_runs.PlanLabels.as_view(), name="api_judge_plan"),
    path(f"{API_JUDGE}/win-rates", api_runs.WinRates.as_view(), name="api_judge_win_rates"),
    path(f"{API}judge-runs", api_runs.JudgeRuns.as_view(), name="api_judge_runs"),
    path(f"{API}judge-runs/estimate", api_runs.JudgeEstimate.as_view(), name="api_judge_estimate"),
    path(f"{API}judge-runs/<int:run_id>", api_runs.OneJudgeRun.as_view(), name="api_judge_run"),
    path(
        f"{API}judge-runs/<int:run_id>/cancel",
        api_runs.CancelJudgeRun.as_view(),
        name="api_judge_run_cancel",
    ),
]
