from django.urls import path

from training.runs import views

urlpatterns = [
    path("projects/<slug:project_slug>/runs/", views.training_runs, name="training_runs"),
    path("projects/<slug:project_slug>/runs/new", views.train, name="train"),
    path(
        "projects/<slug:project_slug>/runs/<int:run_id>/", views.training_run, name="training_run"
    ),
    path(
        "projects/<slug:project_slug>/runs/<int:run_id>/metrics",
        views.run_metrics,
        name="run_metrics",
    ),
    path(
        "projects/<slug:project_slug>/runs/<int:run_id>/cancel", views.cancel_run, name="cancel_run"
    ),
    path(
        "projects/<slug:project_slug>/raters/<int:rater_id>/lineage",
        views.rater_lineage,
        name="rater_lineage",
    ),
    path("projects/<slug:project_slug>/models/", views.models, name="models"),
    path(
        "projects/<slug:project_slug>/models/register", views.register_model, name="register_model"
    ),
    path(
        "projects/<slug:project_slug>/models/<int:model_id>/prices",
        views.set_prices,
        name="set_prices",
    ),
    path("projects/<slug:project_slug>/models/<int:model_id>/", views.model, name="model"),
]
