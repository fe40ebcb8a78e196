from django.urls import path

from serving import views

urlpatterns = [
    path("projects/<slug:project_slug>/inference/", views.inference, name="inference"),
    path("projects/<slug:project_slug>/inference/try", views.playground, name="playground"),
    path(
        "projects/<slug:project_slug>/inference/trials/<int:trial_id>/",
        views.trial,
        name="trial",
    ),
    path(
        "projects/<slug:project_slug>/inference/stop",
        views.stop_server,
        name="stop_server",
    ),
]
