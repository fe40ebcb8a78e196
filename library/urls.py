from django.urls import path

from library.pairs import one
from library.projects import views as projects

urlpatterns = [
    path("projects/new/", projects.new_project, name="project_new"),
    path("projects/<slug:project_slug>/pairs/<int:pair_id>/", one.pair, name="pair"),
]
