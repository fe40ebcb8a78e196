from django.urls import path

from judging import (
    api,
    api_revisions,
    constitution_views,
    editor_views,
    impact_views,
    inference_views,
    revision_views,
    views,
)

CONSTITUTION = "projects/<slug:project_slug>/constitution/"
VERSION = f"{CONSTITUTION}<slug:slug>/<int:number>/"
PRINCIPLE = f"{VERSION}principles/<int:principle_id>/"
API = "api/projects/<slug:project_slug>/"
API_VERSION = f"{API}constitutions/<slug:slug>/<int:number>"
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
    path("projects/<slug:project_slug>/judge/", views.judge_runs, name="judge_runs"),
    path("projects/<slug:project_slug>/judge/launch", views.launch_judge, name="launch_judge"),
    path("projects/<slug:project_slug>/judge/<int:run_id>/", views.judge_run, name="judge_run"),
    path(
        "projects/<slug:project_slug>/judge/<int:run_id>/cancel",
        views.cancel_judge,
        name="cancel_judge",
    ),
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
]
