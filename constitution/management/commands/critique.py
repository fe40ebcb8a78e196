"""`manage.py critique`: let a model criticise and revise its answers, here and now."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from constitution.errors import ConstitutionError
from constitution.models import RevisionRun
from constitution.revision.runner import revise
from constitution.selectors import published_version, run_counts
from constitution.services import launch_revision_run
from corpus.models import Project
from corpus.prompts import PromptSelection
from corpus.registry import find_model, sandbox_model
from figures.words import counted
from inference.engine import Sampling
from inference.errors import BadRequestError
from inference.registry import ENGINES
from inference.validation import check_sampling
from jobs.commands import BadInputError, ConcordCommand, Outcome
from jobs.models import JobState
from jobs.runner import run_job
from serving.models import Usage
from serving.selectors import usage_of_run


class Command(ConcordCommand):
    help = "Answer prompts, then critique and revise the answers by a published constitution."

    def add_inputs(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="The project's slug.")
        parser.add_argument("--constitution", required=True, help="SLUG or SLUG@NUMBER.")
        parser.add_argument("--engine", default="transformers", choices=tuple(ENGINES))
        parser.add_argument("--model", help="Name of a model version. Default: the sandbox model.")
        parser.add_argument(
            "--template", help="Prompt template. Default: the one that suits the model."
        )
        parser.add_argument("--source", help="Only prompts from this source.")
        parser.add_argument("--domain", help="Only prompts in this domain.")
        parser.add_argument(
            "--sensitive", action="store_true", default=None, help="Only red-team prompts."
        )
        parser.add_argument("--limit", type=int, help="Maximum number of prompts.")
        parser.add_argument("--rounds", type=int, default=4, help="Maximum critiques per prompt.")
        parser.add_argument(
            "--all-rounds",
            action="store_true",
            help="Do all rounds, even after a critique that finds nothing.",
        )
        parser.add_argument(
            "--no-few-shots", action="store_true", help="Leave out the few-shot examples."
        )
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--temperature", type=float, default=1.0)
        parser.add_argument(
            "--max-tokens",
            type=int,
            help="Maximum tokens per answer. Default: depends on the model.",
        )
        parser.add_argument(
            "--ask-raters", action="store_true", help="Also add the pairs to the raters' queue."
        )

    def run(self, **options: Any) -> Outcome:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise BadInputError(f"There is no project {options['project']!r}.")
        if options["limit"] is not None and options["limit"] < 1:
            raise BadInputError(f"--limit is {options['limit']}; it must be at least 1.")
        name = options["model"]
        model = find_model(project, name) if name else sandbox_model(project)
        if model is None:
            raise BadInputError(f"{project.slug} has no model version {name!r}.")
        try:
            check_sampling(Sampling(options["max_tokens"] or 1, options["temperature"]))
            launched = launch_revision_run(
                project=project,
                constitution_version=published_version(project, options["constitution"]),
                model_version=model,
                selection=PromptSelection(
                    source=options["source"],
                    domain=options["domain"],
                    sensitive=options["sensitive"],
                    limit=options["limit"],
                ),
                engine=options["engine"],
                template=options["template"],
                rounds=options["rounds"],
                stop_early=not options["all_rounds"],
                use_few_shots=not options["no_few_shots"],
                seed=options["seed"],
                temperature=options["temperature"],
                max_tokens=options["max_tokens"],
                ask_raters=options["ask_raters"],
                start=False,
            )
        except (ConstitutionError, BadRequestError) as error:
            raise BadInputError(str(error)) from error
        run = run_job(RevisionRun, launched.pk, revise) or launched
        return outcome_of(run)


def outcome_of(run: RevisionRun) -> Outcome:
    run.refresh_from_db()
    counts = run_counts(run)
    usage = usage_of_run(Usage.Purpose.CRITIQUE, run.pk)
    data = {
        "run": run.pk,
        "constitution": str(run.constitution_version),
        "constitution_sha256": run.constitution_version.sha256,
        "model": run.model_version.name,
        "state": run.state,
        "error": run.error,
        "batch": run.batch,
        **asdict(counts),
        "usage": {
            "requests": usage.requests,
            "cached": usage.cached,
            "failed": usage.failed,
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
        },
    }
    found = ", ".join(f"{n} {kind}" for kind, n in counts.findings.items() if n) or "none finished"
    lines = [
        f"{run} ({run.constitution_version} with {run.model_version.name}): {run.state}",
        f"{counted(counts.chains, 'chains')}: {found}; {counts.kept} kept, with their pairs in "
        f"batch {run.batch}",
    ]
    if run.error:
        lines.append(run.error)
    return Outcome(data=data, summary="\n".join(lines), failed=run.state != JobState.SUCCEEDED)
