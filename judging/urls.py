from django.urls import path

from judging import views

urlpatterns = [
    path("projects/<slug:project_slug>/constitution/", views.constitutions, name="constitutions"),
    path("projects/<slug:project_slug>/judge/", views.judge_runs, name="judge_runs"),
    path("projects/<slug:project_slug>/judge/launch", views.launch_judge, name="launch_judge"),
    path("projects/<slug:project_slug>/judge/<int:run_id>/", views.judge_run, name="judge_run"),
    path(
        "projects/<slug:project_slug>/judge/<int:run_id>/cancel",
        views.cancel_judge,
        name="cancel_judge",
    ),
]
