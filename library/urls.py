from django.urls import path

from library.imports import api as imports_api
from library.imports import views as imports
from library.pairs import api as pairs_api
from library.pairs import browse, chosen, one
from library.projects import api as projects_api
from library.projects import views as projects
from library.prompts import views as prompts

PAIRS = "projects/<slug:project_slug>/pairs/"
IMPORTS = "projects/<slug:project_slug>/imports/"
UPLOAD = f"{IMPORTS}uploads/<int:upload_id>/"
ONE_IMPORT = f"{IMPORTS}<int:import_id>/"
API = "api/projects/<slug:project_slug>/"
API_UPLOAD = f"{API}uploads/<int:upload_id>"
API_IMPORT = f"{API}imports/<int:import_id>"

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
    path(IMPORTS, imports.imports, name="imports"),
    path(f"{IMPORTS}new", imports.import_new, name="import_new"),
    path(f"{IMPORTS}hub/", imports.import_hub, name="import_hub"),
    path(UPLOAD, imports.import_upload, name="import_upload"),
    path(f"{UPLOAD}discard", imports.upload_discard, name="upload_discard"),
    path(ONE_IMPORT, imports.import_page, name="import"),
    path(f"{ONE_IMPORT}cancel", imports.import_cancel, name="import_cancel"),
    path(f"{ONE_IMPORT}take-back/", imports.import_take_back, name="import_take_back"),
    path(f"{ONE_IMPORT}rejected.csv", imports.import_rejected, name="import_rejected"),
    path(f"{API}pairs", pairs_api.Pairs.as_view(), name="api_pairs"),
    path(f"{API}pairs/withdraw", pairs_api.WithdrawPairs.as_view(), name="api_pairs_withdraw"),
    path(f"{API}pairs/restore", pairs_api.RestorePairs.as_view(), name="api_pairs_restore"),
    path(f"{API}pairs/ask", pairs_api.AskForLabels.as_view(), name="api_pairs_ask"),
    path(f"{API}pairs/<int:pair_id>", pairs_api.OnePair.as_view(), name="api_pair"),
    path(f"{API}pair-sets", pairs_api.PairSets.as_view(), name="api_pair_sets"),
    path(f"{API}prompts", pairs_api.Prompts.as_view(), name="api_prompts"),
    path(f"{API}completions", pairs_api.Completions.as_view(), name="api_completions"),
    path(f"{API}uploads", imports_api.Uploads.as_view(), name="api_uploads"),
    path(API_UPLOAD, imports_api.OneUpload.as_view(), name="api_upload"),
    path(f"{API_UPLOAD}/parts", imports_api.UploadParts.as_view(), name="api_upload_parts"),
    path(f"{API}imports", imports_api.Imports.as_view(), name="api_imports"),
    path(f"{API}imports/dry-run", imports_api.ImportDryRun.as_view(), name="api_import_dry_run"),
    path(API_IMPORT, imports_api.OneImport.as_view(), name="api_import"),
    path(f"{API_IMPORT}/cancel", imports_api.CancelImport.as_view(), name="api_import_cancel"),
    path(f"{API_IMPORT}/take-back", imports_api.TakeBack.as_view(), name="api_import_take_back"),
    path(f"{API_IMPORT}/rejected", imports_api.RejectedLines.as_view(), name="api_import_rejected"),
]
