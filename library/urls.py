from django.urls import path

from library.pairs import browse, chosen, one
from library.projects import api as projects_api
from library.projects import views as projects
from library.prompts import views as prompts

PAIRS = "projects/<slug:project_slug>/pairs/"

urlpatterns = [
    path("projects/new/", projects.new_project, name="project_new"),
    path("projects/<slug:project_slug>/prompts/", prompts.prompts, name="prompts"),
    path("projects/<slug:project_slug>/prompts/<int:prompt_id>/", prompts.prompt, name="prompt"),
    path(PAIRS, browse.pairs, name="pairs"),
    path(f"{PAIRS}chosen/", chosen.chosen, name="pairs_chosen"),
    path(f"{PAIRS}withdraw", chosen.withdraw, name="pairs_withdraw"),
    path(f"{PAIRS}restore", chosen.restore, name="pairs_restore"),
    path(f"{PAIRS}ask", chosen.ask, name="pairs_ask"),
    path(f"{PAIRS}pick", chosen.pick, name="pairs_pick"),
    path(f"{PAIRS}<int:pair_id>/", one.pair, name="pair"),
    path("api/projects", projects_api.Projects.as_view(), name="api_projects"),
    path("api/projects/<slug:project_slug>", projects_api.OneProject.as_view(), name="api_project"),
]
