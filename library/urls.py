from django.urls import path

from library.pairs import one
from library.projects import api as projects_api
from library.projects import views as projects

urlpatterns = [
    path("projects/new/", projects.new_project, name="project_new"),
    path("projects/<slug:project_slug>/pairs/<int:pair_id>/", one.pair, name="pair"),
    path("api/projects", projects_api.Projects.as_view(), name="api_projects"),
    path("api/projects/<slug:project_slug>", projects_api.OneProject.as_view(), name="api_project"),
]
