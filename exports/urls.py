from django.urls import path

from exports import pair_views, views

urlpatterns = [
    path("projects/<slug:project_slug>/pairs/<int:pair_id>/", pair_views.pair, name="pair"),
    path("projects/<slug:project_slug>/datasets/", views.datasets, name="datasets"),
    path("projects/<slug:project_slug>/datasets/freeze", views.freeze_dataset, name="freeze"),
    path("projects/<slug:project_slug>/datasets/<slug:sha256>/", views.dataset, name="dataset"),
    path("projects/<slug:project_slug>/datasets/sft", views.freeze_sft_dataset, name="freeze_sft"),
]
