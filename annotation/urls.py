from django.urls import path

from annotation import api
from annotation.views import labelling, overview

urlpatterns = [
    path("", overview.home, name="home"),
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
