from django.urls import path

from exports import views

urlpatterns = [
    path("projects/<slug:project_slug>/datasets/", views.datasets, name="datasets"),
    path("projects/<slug:project_slug>/datasets/freeze", views.freeze_dataset, name="freeze"),
    path("projects/<slug:project_slug>/datasets/<slug:sha256>/", views.dataset, name="dataset"),
    path("projects/<slug:project_slug>/datasets/sft", views.freeze_sft_dataset, name="freeze_sft"),
]
