"""`manage.py judge`: let a judge label the pairs of a project, here and now."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction
from pydantic import ValidationError

from constitution.errors import UnknownConstitutionError
from constitution.selectors import published_version
from corpus.models import Project
from corpus.registry import find_model, sandbox_model
from figures.words import counted
from inference.registry import ENGINES
from jobs.commands import BadInputError, ConcordCommand, Outcome
from jobs.models import JobState
from jobs.runner import run_job
from judging.errors import JudgingError
from judging.models import JudgeConfig, JudgeRun
from judging.runs.estimate import Estimate, estimate_run
from judging.runs.launching import JudgeRequest
from judging.runs.named import judge_named
from judging.runs.runner import judge
from judging.runs.usable import usable_of
from judging.selectors import STRATA, PairSelection, run_consistency, run_counts
from judging.services import ensure_jury, launch_judge_run
from serving.models import Usage
from serving.selectors import usage_of_run


class Command(ConcordCommand):
    help = "Label a project's pairs with an AI judge bound by a published constitution."

    def add_inputs(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="The project's slug.")
        which = parser.add_argument_group("choosing the judge")
        which.add_argument("--constitution", help="SLUG or SLUG@NUMBER; or use --judge.")
        which.add_argument("--judge", help="Name of an existing judge.")
        which.add_argument("--engine", default="transformers", choices=tuple(ENGINES))
        which.add_argument("--model", help="Name of a model version. Default: the sandbox model.")
        which.add_argument(
            "--template", help="Prompt template. Default: the one that suits the model."
        )
        which.add_argument("--tie-band", type=float, default=0.05)
        which.add_argument(
            "--name", default="", help="Name for a new judge. Default: made from its settings."
        )
        which.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="FIELD=VALUE",
            help="A setting, such as mode=reasoned, principles=one_drawn, samples=4, orders=one; "
            "can be repeated. See docs/judge.md.",
        )
        which.add_argument(
            "--few-shots",
            type=Path,
            metavar="FILE",
            help="JSON file with a list of solved comparisons.",
        )
        which.add_argument(
            "--jury",
            action="append",
            default=[],
            metavar="JUDGE[=WEIGHT]",
            help="Combine the labels of these judges under --name; can be repeated.",
        )
        pairs = parser.add_argument_group("choosing the pairs")
        pairs.add_argument("--batch", help="Only pairs from this batch.")
        pairs.add_argument("--dataset", metavar="SHA256", help="Only pairs in this dataset.")
        pairs.add_argument("--picked", metavar="SHA256", help="Only pairs in this picked set.")
        for name in STRATA:
            pairs.add_argument(f"--{name}", help=f"Only pairs with this {name}.")
        some = pairs.add_mutually_exclusive_group()
        some.add_argument(
            "--all", action="store_true", help="Include pairs it has already labelled."
        )
        some.add_argument(
            "--disagreement",
            action="store_true",
            help="Only pairs on which a judge and the majority of humans choose different winners.",
        )
        some.add_argument(
            "--gold",
            action="store_true",
            help="Only gold pairs: to certify the judge, or to check one that is certified.",
        )
        parser.add_argument(
            "--accept-cut",
            action="store_true",
            help="Continue even if more than 1 percent of the questions do not fit the model's "
            "context.",
        )
        parser.add_argument(
            "--seed", type=int, default=0, help="Seed for random draws and for reasoning."
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Only report what the run would ask and cost."
        )

    def run(self, **options: Any) -> Outcome:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise BadInputError(f"There is no project {options['project']!r}.")
        try:
            selection = selection_of(options)
            if options["dry_run"]:
                return _dry_run(project, options, selection)
            config = _judge_of(project, options)
            launched = launch_judge_run(
                project=project,
                config=config,
                selection=selection,
                accept_cut=options["accept_cut"],
                seed=options["seed"],
                start=False,
            )
        except (UnknownConstitutionError, JudgingError) as error:
            raise BadInputError(str(error)) from error
        run = run_job(JudgeRun, launched.pk, judge) or launched
        return outcome_of(run)


def _judge_of(project: Project, options: dict[str, Any]) -> JudgeConfig:
    if options["judge"]:
        return judge_named(project.slug, options["judge"])
    if options["jury"]:
        return ensure_jury(
            project=project,
            name=options["name"],
            judges=[_seat(project, one) for one in options["jury"]],
            tie_band=options["tie_band"],
            combine=_settings_of(options).get("combine", "mean"),
        )
    if not options["constitution"]:
        raise BadInputError("Give a --constitution, a --judge or a --jury of judges.")
    settings = _settings_of(options)
    version = published_version(project, options["constitution"])
    name = options["model"]
    model = None
    if settings.get("mode") != "verifier":
        model = find_model(project, name) if name else sandbox_model(project)
        if model is None:
            raise BadInputError(f"{project.slug} has no model version {name!r}.")
    wanted = JudgeRequest(
        constitution=version,
        model=model,
        engine=options["engine"],
        template=options["template"],
        tie_band=options["tie_band"],
        name=options["name"],
        settings=settings,
    )
    return wanted.judge(project, store=not options["dry_run"])


def _dry_run(project: Project, options: dict[str, Any], selection: PairSelection) -> Outcome:
    """What it would take; neither judge nor jury is left behind."""
    if not options["jury"]:
        config = _judge_of(project, options)
        return _told(config, estimate_run(config, selection))
    with transaction.atomic():
        jury = _judge_of(project, options)
        found = estimate_run(jury, selection)
        transaction.set_rollback(True)
    return _told(jury, found)


def _seat(project: Project, written: str) -> tuple[JudgeConfig, float]:
    name, separator, weight = written.rpartition("=")
    if not separator:
        return judge_named(project.slug, written), 1.0
    try:
        return judge_named(project.slug, name), float(weight)
    except ValueError:
        return judge_named(project.slug, written), 1.0


def _settings_of(options: dict[str, Any]) -> dict[str, Any]:
    """FIELD=VALUE as JSON where it reads as such, else as text."""
    settings: dict[str, Any] = {}
    for written in options["set"]:
        field, separator, value = written.partition("=")
        if not separator:
            raise BadInputError(f"--set {written!r}: use FIELD=VALUE.")
        try:
            settings[field] = json.loads(value)
        except ValueError:
            settings[field] = value
    path = options["few_shots"]
    if path is not None:
        try:
            settings["few_shots"] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BadInputError(f"--few-shots: {path} cannot be read as JSON: {error}") from error
    return settings


def selection_of(options: dict[str, Any]) -> PairSelection:
    """The selection that the options name. BadInputError where they cannot be one."""
    which = next(
        (name for name in ("all", "disagreement", "gold") if options[name]),
        "new",
    )
    narrow = {name: options[name] for name in ("batch", "dataset", "picked", *STRATA)}
    try:
        return PairSelection.model_validate({"which": which, **narrow})
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInputError(f"--{first['loc'][0]}: {first['msg']}") from error


def _told(config: JudgeConfig, found: Estimate) -> Outcome:
    tokens = "an unknown number of" if found.prompt_tokens is None else f"{found.prompt_tokens:,}"
    lines = [
        f"{config} would ask {counted(found.questions, 'questions')} on "
        f"{counted(found.pairs, 'pairs')}: about {tokens} tokens in and at most "
        f"{found.completion_tokens:,} out"
    ]
    if found.cost is not None:
        lines.append(f"Cost at the model's prices: {found.cost:.4f}")
    if found.seconds is not None:
        lines.append(f"Time at the pace of its last run: {found.seconds:.0f} s")
    if found.longest is not None:
        lines.append(
            f"Longest question: {found.longest} tokens; the model's context: {found.limit}"
        )
    if found.warning:
        lines.append(found.warning)
    return Outcome(
        data={"judge": str(config), "dry_run": True, **found.as_json()}, summary="\n".join(lines)
    )


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
    usable = usable_of(run)
    data = {
        "run": run.pk,
        "judge": str(run.config),
        "state": run.state,
        "error": run.error,
        "pairs": counts["pairs"],
        "labelled": run.labelled,
        "abstained": run.abstained,
        "unscored": run.unscored,
        "verdicts": {"ok": counts["ok"], "not_ok": counts["failed"]},
        "consistency": consistency,
        "length_warning": run.length_warning,
        "usage": usage_report(run),
        "usable": usable.as_json(),
    }
    if consistency is None:
        data["reason"] = "no pair has a readable verdict in both orders"
    shown = "undefined" if consistency is None else f"{consistency:.3f}"
    summary = (
        f"{run.config}: {run.state}, {counted(counts['pairs'], 'pairs')}, "
        f"{counted(counts['ok'], 'verdicts')} ({counts['failed']} unreadable), position "
        f"consistency {shown}\n{counted(run.labelled, 'labels')}, "
        f"{counted(run.abstained, 'abstentions')}, {run.unscored} unscored; "
        f"{counted(usable.usable, 'usable labels')}"
        f"{f' ({usable.why_none})' if usable.why_none else ''}"
    )
    if usable.gpu_seconds_each is not None:
        summary += f", {usable.gpu_seconds_each:.3f} GPU-seconds each"
    if run.error:
        summary += f"\n{run.error}"
    return Outcome(data=data, summary=summary, failed=run.state != JobState.SUCCEEDED)
