from django.urls import path

from judging.api import impact as api_impact
from judging.api import judges as api_judges
from judging.api import runs as api_runs
from judging.views import impact as impact_views
from judging.views import judges as judge_views
from judging.views import runs as views
from judging.views import triage as triage_views

CONSTITUTION = "projects/<slug:project_slug>/constitution/"
VERSION = f"{CONSTITUTION}<slug:slug>/<int:number>/"
JUDGE = "projects/<slug:project_slug>/judge/"
ONE_JUDGE = f"{JUDGE}judges/<int:judge_id>/"
API = "api/projects/<slug:project_slug>/"
API_VERSION = f"{API}constitutions/<slug:slug>/<int:number>"
API_JUDGE = f"{API}judges/<int:judge_id>"

urlpatterns = [
    path(f"{VERSION}try/", impact_views.constitution_try, name="constitution_try"),
    path(f"{VERSION}try/<int:trial_id>/", impact_views.draft_trial, name="draft_trial"),
    path(f"{VERSION}impact/", impact_views.constitution_impact, name="constitution_impact"),
    path(f"{VERSION}impact/audit", impact_views.draw_audit, name="draw_audit"),
    path(f"{VERSION}impact/<int:run_id>/cancel", impact_views.cancel_impact, name="cancel_impact"),
    path(JUDGE, views.judge_runs, name="judge_runs"),
    path(f"{JUDGE}new", views.judge_new, name="judge_new"),
    path(f"{JUDGE}launch", views.launch_judge, name="launch_judge"),
    path(f"{JUDGE}<int:run_id>/", views.judge_run, name="judge_run"),
    path(
        f"{JUDGE}<int:run_id>/cancel",
        views.cancel_judge,
        name="cancel_judge",
    ),
    path(f"{JUDGE}jury", views.create_jury, name="create_jury"),
    path(f"{JUDGE}bounds", judge_views.judge_policy, name="judge_policy"),
    path(f"{JUDGE}triage/", triage_views.triage_page, name="triage"),
    path(f"{JUDGE}triage/charts", triage_views.triage_charts, name="triage_charts"),
    path(f"{JUDGE}triage/send", triage_views.send_triage, name="send_triage"),
    path(f"{JUDGE}wins/", triage_views.win_rates_page, name="win_rates"),
    path(ONE_JUDGE, judge_views.judge, name="judge"),
    path(f"{ONE_JUDGE}charts", judge_views.judge_charts, name="judge_charts"),
    path(f"{ONE_JUDGE}check", judge_views.check_judge, name="check_judge"),
    path(f"{ONE_JUDGE}attack", judge_views.attack_judge, name="attack_judge"),
    path(f"{ONE_JUDGE}calibrate", judge_views.calibrate_judge, name="calibrate_judge"),
    path(f"{ONE_JUDGE}scale", judge_views.scale_judge, name="scale_judge"),
    path(f"{API_VERSION}/impact", api_impact.Impact.as_view(), name="api_constitution_impact"),
    path(f"{API}judges", api_judges.Judges.as_view(), name="api_judges"),
    path(f"{API}judge-bounds", api_judges.Bounds.as_view(), name="api_judge_bounds"),
    path(API_JUDGE, api_judges.OneJudge.as_view(), name="api_judge"),
    path(f"{API_JUDGE}/report", api_judges.JudgeReportRead.as_view(), name="api_judge_report"),
    path(f"{API_JUDGE}/attacks", api_judges.Attacks.as_view(), name="api_judge_attacks"),
    path(
        f"{API_JUDGE}/calibrations",
        api_judges.Calibrations.as_view(),
        name="api_judge_calibrations",
    ),
    path(f"{API_JUDGE}/triage", api_runs.Triage.as_view(), name="api_judge_triage"),
    path(f"{API_JUDGE}/plan", api_runs.PlanLabels.as_view(), name="api_judge_plan"),
    path(f"{API_JUDGE}/win-rates", api_runs.WinRates.as_view(), name="api_judge_win_rates"),
    path(f"{API}judge-runs", api_runs.JudgeRuns.as_view(), name="api_judge_runs"),
    path(f"{API}judge-runs/estimate", api_runs.JudgeEstimate.as_view(), name="api_judge_estimate"),
    path(f"{API}judge-runs/<int:run_id>", api_runs.OneJudgeRun.as_view(), name="api_judge_run"),
    path(
        f"{API}judge-runs/<int:run_id>/cancel",
        api_runs.CancelJudgeRun.as_view(),
        name="api_judge_run_cancel",
    ),
]
