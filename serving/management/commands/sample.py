"""`manage.py sample`: have models answer prompts, in a worker, or here and now with --wait."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from corpus.models import ModelVersion, PairPolicy, Project, SamplingRun
from corpus.registry import find_model, sandbox_model
from figures.words import counted
from inference.registry import ENGINES
from jobs.commands import BadInputError, ConcordCommand, Outcome
from jobs.models import JobState
from jobs.runner import run_job
from serving.errors import SamplingError
from serving.models import Usage
from serving.sampling.estimate import Estimate, estimate_sampling
from serving.sampling.plan import POLICIES
from serving.sampling.runner import batch_of, sample
from serving.sampling.selection import SamplingSelection
from serving.sampling.services import SamplingRequest, launch_sampling
from serving.selectors import usage_of_run


class Command(ConcordCommand):
    help = "Sample completions from a project's models for its prompts, and make pairs of them."

    def add_inputs(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="The project's slug.")
        parser.add_argument(
            "--model",
            action="append",
            default=[],
            metavar="NAME",
            help="Name of a model version; can be repeated. Default: the sandbox model.",
        )
        parser.add_argument("--engine", default="transformers", choices=tuple(ENGINES))
        prompts = parser.add_argument_group("choosing the prompts")
        prompts.add_argument("--source", help="Only prompts from this source.")
        prompts.add_argument("--domain", help="Only prompts in this domain.")
        prompts.add_argument("--limit", type=int, help="Maximum number of prompts.")
        prompts.add_argument(
            "--with-pairs", action="store_true", help="Include prompts that already have pairs."
        )
        how = parser.add_argument_group("sampling")
        how.add_argument("--each", type=int, default=2, help="Completions per model and prompt.")
        how.add_argument("--temperature", type=float, default=1.0)
        how.add_argument("--top-p", type=float, default=1.0)
        how.add_argument(
            "--max-tokens",
            type=int,
            help="Maximum tokens per completion. Default: 512, or a quarter of a smaller context.",
        )
        how.add_argument("--seed", type=int, default=0)
        pairs = parser.add_argument_group("making pairs")
        pairs.add_argument("--pairs", default=PairPolicy.ALL.value, choices=POLICIES)
        pairs.add_argument("--most", type=int, help="Pairs per prompt, with --pairs random.")
        pairs.add_argument(
            "--between-models",
            action="store_true",
            help="Pair only completions of different models.",
        )
        parser.add_argument(
            "--wait", action="store_true", help="Sample in this process instead of in a worker."
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Only report what the run would ask and cost."
        )

    def run(self, **options: Any) -> Outcome:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise BadInputError(f"There is no project {options['project']!r}.")
        request = _request(project, options)
        try:
            if options["dry_run"]:
                return _told(estimate_sampling(project, request))
            run = launch_sampling(project=project, request=request, start=not options["wait"])
        except SamplingError as error:
            raise BadInputError(str(error)) from error
        if options["wait"]:
            run = run_job(SamplingRun, run.pk, sample) or run
        return outcome_of(run, failed=options["wait"] and run.state != JobState.SUCCEEDED)


def _request(project: Project, options: dict[str, Any]) -> SamplingRequest:
    if options["limit"] is not None and options["limit"] < 1:
        raise BadInputError(f"--limit is {options['limit']}; it must be at least 1.")
    return SamplingRequest(
        models=[_model(project, name) for name in options["model"]] or [sandbox_model(project)],
        selection=SamplingSelection(
            source=options["source"],
            domain=options["domain"],
            limit=options["limit"],
            with_pairs=options["with_pairs"],
            between_models=options["between_models"],
        ),
        engine=options["engine"],
        completions_each=options["each"],
        temperature=options["temperature"],
        top_p=options["top_p"],
        max_tokens=options["max_tokens"],
        seed=options["seed"],
        pair_policy=PairPolicy(options["pairs"]),
        pairs_per_prompt=options["most"],
    )


def _model(project: Project, name: str) -> ModelVersion:
    found = find_model(project, name)
    if found is None:
        names = ", ".join(project.model_versions.order_by("name").values_list("name", flat=True))
        raise BadInputError(f"{project.slug} has no model {name!r}; it has: {names or 'none'}.")
    return found


def _told(found: Estimate) -> Outcome:
    lines = [
        f"Would sample {counted(found.completions, 'completions')} for "
        f"{counted(found.prompts, 'prompts')}"
    ]
    for one in found.models:
        tokens = "an unknown number of" if one.prompt_tokens is None else f"{one.prompt_tokens:,}"
        said = f"{one.model}: about {tokens} tokens in and at most {one.completion_tokens:,} out"
        if one.cost is not None:
            said += f"; cost at its prices: at most {one.cost:.4f}"
        lines.append(f"{said}. {one.warning}".rstrip())
    return Outcome(data={"dry_run": True, **found.as_json()}, summary="\n".join(lines))


def outcome_of(run: SamplingRun, *, failed: bool) -> Outcome:
    run.refresh_from_db()
    usage = usage_of_run(Usage.Purpose.SAMPLE, run.pk)
    report = run.report
    models = list(run.model_versions.order_by("name").values_list("name", flat=True))
    data = {
        "run": run.pk,
        "state": run.state,
        "error": run.error,
        "models": models,
        "batch": batch_of(run),
        "completions_made": run.completions_made,
        "pairs_made": run.pairs_made,
        **report,
        "usage": {
            "requests": usage.requests,
            "cached": usage.cached,
            "failed": usage.failed,
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "cost": None if usage.cost is None else float(usage.cost),
        },
    }
    lines = [f"{str(run).capitalize()} ({', '.join(models)}): {run.state}"]
    if report:
        lines.append(
            f"{counted(report['prompts_done'], 'prompts')} done, "
            f"{counted(report['completions'], 'completions')} ({run.completions_made} new, "
            f"{report['identical']} identical to another), "
            f"{counted(run.pairs_made, 'pairs')} added in batch {batch_of(run)}"
        )
        lines += [f"Failed {count}: {reason}" for reason, count in report["failures"].items()]
    if run.error:
        lines.append(run.error)
    return Outcome(data=data, summary="\n".join(lines), failed=failed)
