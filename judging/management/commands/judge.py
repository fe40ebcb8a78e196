"""`manage.py judge`: let a judge label the pairs of a project, here and now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from constitution.errors import UnknownConstitutionError
from constitution.selectors import published_version
from corpus.models import Project
from corpus.registry import find_model, sandbox_model
from inference.registry import ENGINES
from jobs.commands import BadInputError, ConcordCommand, Outcome
from jobs.models import JobState
from jobs.runner import run_job
from judging.errors import JudgingError
from judging.models import JudgeRun
from judging.runner import judge
from judging.selectors import PairSelection, run_consistency, run_counts
from judging.services import ensure_judge, launch_judge_run
from serving.models import Usage
from serving.selectors import usage_of_run


class Command(ConcordCommand):
    help = "Label the pairs of a project by an AI judge bound by a published constitution."

    def add_inputs(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="The project's slug.")
        parser.add_argument("--constitution", required=True, help="SLUG or SLUG@NUMBER.")
        parser.add_argument("--engine", default="transformers", choices=tuple(ENGINES))
        parser.add_argument("--model", help="A model version's name; default: the sandbox model.")
        parser.add_argument("--template", help="Default: the one that the model understands.")
        parser.add_argument("--batch", help="Only pairs that this batch brought.")
        parser.add_argument(
            "--accept-cut",
            action="store_true",
            help="Go on although more than 1 percent of the questions do not fit the model.",
        )
        parser.add_argument("--all", action="store_true", help="Also pairs it has labelled before.")

    def run(self, **options: Any) -> Outcome:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise BadInputError(f"There is no project {options['project']!r}.")
        try:
            version = published_version(project, options["constitution"])
            name = options["model"]
            model = find_model(project, name) if name else sandbox_model(project)
            if model is None:
                raise BadInputError(f"{project.slug} has no model version {name!r}.")
            config = ensure_judge(
                project=project,
                constitution_version=version,
                model_version=model,
                engine=options["engine"],
                template=options["template"],
            )
        except (UnknownConstitutionError, JudgingError) as error:
            raise BadInputError(str(error)) from error
        selection = PairSelection(which="all" if options["all"] else "new", batch=options["batch"])
        launched = launch_judge_run(
            project=project,
            config=config,
            selection=selection,
            accept_cut=options["accept_cut"],
            start=False,
        )
        run = run_job(JudgeRun, launched.pk, judge) or launched
        return outcome_of(run)


def usage_report(run: JudgeRun) -> dict[str, Any]:
    totals = usage_of_run(Usage.Purpose.JUDGE, run.pk)
    return {
        "requests": totals.requests,
        "cached": totals.cached,
        "failed": totals.failed,
        "prompt_tokens": totals.prompt_tokens,
        "completion_tokens": totals.completion_tokens,
        "milliseconds": totals.milliseconds,
        "prefix_hit_rate": totals.prefix_hit_rate,
        "cost": None if totals.cost is None else float(totals.cost),
    }


def outcome_of(run: JudgeRun) -> Outcome:
    run.refresh_from_db()
    counts = run_counts(run)
    consistency = run_consistency(run)
    data = {
        "run": run.pk,
        "judge": str(run.config),
        "state": run.state,
        "error": run.error,
        "pairs": counts["pairs"],
        "verdicts": {"ok": counts["ok"], "not_ok": counts["failed"]},
        "consistency": consistency,
        "length_warning": run.length_warning,
        "usage": usage_report(run),
    }
    if consistency is None:
        data["reason"] = "no pair has a readable verdict in both orders"
    shown = "undefined" if consistency is None else f"{consistency:.3f}"
    summary = (
        f"{run.config}: {run.state}, {counts['pairs']} pairs, {counts['ok']} verdicts"
        f" ({counts['failed']} not readable), position consistency {shown}"
    )
    if run.error:
        summary += f"\n{run.error}"
    return Outcome(data=data, summary=summary, failed=run.state != JobState.SUCCEEDED)
