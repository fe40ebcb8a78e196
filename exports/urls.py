from django.urls import path

from exports import views
from exports.showing import views as showing

ONE = "projects/<slug:project_slug>/datasets/<slug:sha256>/"

urlpatterns = [
    path("projects/<slug:project_slug>/datasets/", views.datasets, name="datasets"),
    path("projects/<slug:project_slug>/datasets/freeze", views.freeze_dataset, name="freeze"),
    path(ONE, showing.dataset, name="dataset"),
    path(f"{ONE}charts", showing.dataset_charts, name="dataset_charts"),
    path(f"{ONE}compare/", showing.compare, name="dataset_compare"),
    path(f"{ONE}files/<str:file_name>", showing.dataset_file, name="dataset_file"),
    path("projects/<slug:project_slug>/datasets/sft", views.freeze_sft_dataset, name="freeze_sft"),
]
