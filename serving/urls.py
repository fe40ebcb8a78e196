from django.urls import path

from serving import models_api, views
from serving.sampling import api as api_sampling
from serving.sampling import views as sampling

SAMPLING = "projects/<slug:project_slug>/sampling/"
API = "api/projects/<slug:project_slug>/"
API_RUNS = f"{API}sampling-runs"

urlpatterns = [
    path(SAMPLING, sampling.sampling_runs, name="sampling_runs"),
    path(f"{SAMPLING}new", sampling.sampling_new, name="sampling_new"),
    path(f"{SAMPLING}launch", sampling.launch_sampling_view, name="launch_sampling"),
    path(f"{SAMPLING}<int:run_id>/", sampling.sampling_run, name="sampling_run"),
    path(f"{SAMPLING}<int:run_id>/cancel", sampling.cancel_sampling, name="cancel_sampling"),
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
    path(API_RUNS, api_sampling.SamplingRuns.as_view(), name="api_sampling_runs"),
    path(
        f"{API_RUNS}/estimate",
        api_sampling.SamplingEstimate.as_view(),
        name="api_sampling_estimate",
    ),
    path(
        f"{API_RUNS}/<int:run_id>", api_sampling.OneSamplingRun.as_view(), name="api_sampling_run"
    ),
    path(
        f"{API_RUNS}/<int:run_id>/cancel",
        api_sampling.CancelSamplingRun.as_view(),
        name="api_sampling_run_cancel",
    ),
    path(f"{API}models", models_api.Models.as_view(), name="api_models"),
    path(
        f"{API}models/registrations/<int:registration_id>",
        models_api.OneRegistration.as_view(),
        name="api_model_registration",
    ),
]
