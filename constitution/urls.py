from django.urls import path

from constitution.api import revisions as api_revisions
from constitution.api import versions as api_versions
from constitution.views import editor, revisions, versions

CONSTITUTION = "projects/<slug:project_slug>/constitution/"
VERSION = f"{CONSTITUTION}<slug:slug>/<int:number>/"
PRINCIPLE = f"{VERSION}principles/<int:principle_id>/"
API = "api/projects/<slug:project_slug>/"
API_VERSION = f"{API}constitutions/<slug:slug>/<int:number>"
CRITIQUE = "projects/<slug:project_slug>/critique/"

urlpatterns = [
    path(CONSTITUTION, versions.constitutions, name="constitutions"),
    path(f"{CONSTITUTION}new", versions.create_constitution, name="create_constitution"),
    path(VERSION, versions.constitution_version, name="constitution_version"),
    path(f"{VERSION}export", versions.constitution_export, name="constitution_export"),
    path(f"{VERSION}history/", versions.constitution_history, name="constitution_history"),
    path(f"{VERSION}comment", versions.constitution_comment, name="constitution_comment"),
    path(f"{VERSION}compare/", versions.constitution_compare, name="constitution_compare"),
    path(f"{VERSION}publish/", versions.constitution_publish, name="constitution_publish"),
    path(f"{VERSION}retire", versions.constitution_retire, name="constitution_retire"),
    path(f"{VERSION}draft", versions.constitution_draft, name="constitution_draft"),
    path(f"{VERSION}discard", versions.constitution_discard, name="constitution_discard"),
    path(f"{VERSION}conversations", editor.few_shots_edit, name="few_shots_edit"),
    path(f"{VERSION}changes", editor.draft_changes, name="draft_changes"),
    path(f"{VERSION}principles/", editor.principles_part, name="principles_part"),
    path(f"{VERSION}principles/add", editor.principle_add, name="principle_add"),
    path(PRINCIPLE, editor.principle_edit, name="principle_edit"),
    path(f"{PRINCIPLE}duplicate", editor.principle_duplicate, name="principle_duplicate"),
    path(f"{PRINCIPLE}remove", editor.principle_remove, name="principle_remove"),
    path(f"{PRINCIPLE}move", editor.principle_move, name="principle_move"),
    path(CRITIQUE, revisions.revision_runs, name="revision_runs"),
    path(f"{CRITIQUE}launch", revisions.launch_revision, name="launch_revision"),
    path(f"{CRITIQUE}prompts", revisions.upload_prompts, name="upload_prompts"),
    path(f"{CRITIQUE}<int:run_id>/", revisions.revision_run, name="revision_run"),
    path(f"{CRITIQUE}<int:run_id>/cancel", revisions.cancel_revision, name="cancel_revision"),
    path(f"{CRITIQUE}<int:run_id>/chains/<int:chain_id>/", revisions.chain, name="chain"),
    path(
        f"{CRITIQUE}<int:run_id>/chains/<int:chain_id>/mark",
        revisions.mark_chain_view,
        name="mark_chain",
    ),
    path(f"{API}constitutions", api_versions.Constitutions.as_view(), name="api_constitutions"),
    path(API_VERSION, api_versions.OneVersion.as_view(), name="api_constitution"),
    path(f"{API_VERSION}/export", api_versions.Export.as_view(), name="api_constitution_export"),
    path(f"{API_VERSION}/principles", api_versions.Principles.as_view(), name="api_principles"),
    path(
        f"{API_VERSION}/principles/<int:principle_id>",
        api_versions.OnePrinciple.as_view(),
        name="api_principle",
    ),
    path(f"{API_VERSION}/publish", api_versions.Publish.as_view(), name="api_constitution_publish"),
    path(f"{API_VERSION}/retire", api_versions.Retire.as_view(), name="api_constitution_retire"),
    path(f"{API_VERSION}/draft", api_versions.NextDraft.as_view(), name="api_constitution_draft"),
    path(f"{API_VERSION}/changes", api_versions.Changes.as_view(), name="api_constitution_changes"),
    path(
        f"{API_VERSION}/comments", api_versions.Comments.as_view(), name="api_constitution_comments"
    ),
    path(f"{API_VERSION}/compare", api_versions.Compare.as_view(), name="api_constitution_compare"),
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
