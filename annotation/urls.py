from django.urls import path

from annotation import api, views

urlpatterns = [
    path("", views.home, name="home"),
    path("projects/<slug:project_slug>/", views.project, name="project"),
    path("projects/<slug:project_slug>/label/", views.label, name="label"),
    path("projects/<slug:project_slug>/label/submit", views.label_submit, name="label_submit"),
    path("projects/<slug:project_slug>/label/skip", views.label_skip, name="label_skip"),
    path("projects/<slug:project_slug>/label/undo", views.label_undo, name="label_undo"),
    path("projects/<slug:project_slug>/label/extend", views.label_extend, name="label_extend"),
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
