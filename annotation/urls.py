from django.urls import path

from annotation import api

urlpatterns = [
    path(
        "api/projects/<slug:project_slug>/tasks/next", api.NextTask.as_view(), name="api_next_task"
    ),
    path("api/projects/<slug:project_slug>/tasks/undo", api.UndoLabel.as_view(), name="api_undo"),
    path("api/tasks/<int:task_id>/label", api.SubmitLabel.as_view(), name="api_label"),
    path("api/tasks/<int:task_id>/skip", api.SkipTask.as_view(), name="api_skip"),
    path("api/tasks/<int:task_id>/extend", api.ExtendLease.as_view(), name="api_extend"),
]
