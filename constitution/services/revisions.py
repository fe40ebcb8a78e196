"""Critique–revise runs are launched; chains that are no good are marked."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from constitution.errors import NothingToReviseError, NotPublishedError, ReasonMissingError
from constitution.models import Chain, ConstitutionVersion, RevisionRun
from constitution.models.revisions import MOST_ROUNDS
from constitution.revision.prompts import default_template, template_named
from constitution.selectors import revised_principles
from corpus.models import ModelVersion, Pair, Project
from corpus.prompts import PromptSelection, selected_prompts
from corpus.registry import root_of
from jobs.services import enqueue

MAX_TOKENS = 512


@transaction.atomic
def launch_revision_run(
    *,
    project: Project,
    constitution_version: ConstitutionVersion,
    model_version: ModelVersion,
    selection: PromptSelection | None = None,
    engine: str = "transformers",
    template: str | None = None,
    rounds: int = 4,
    stop_early: bool = True,
    use_few_shots: bool = True,
    seed: int = 0,
    temperature: float = 1.0,
    max_tokens: int | None = None,
    ask_raters: bool = False,
    created_by: User | None = None,
    start: bool = True,
) -> RevisionRun:
    """A queued run; with `start` False it is left to the caller to do.

    Args:
        template: the one that the model understands when None.
        rounds: 1 to 16, of one critique and one revision each.
        max_tokens: of each answer; None takes 512, or a quarter of a smaller model's context.

    Raises:
        NotPublishedError: a run needs a version that never changes.
        NothingToReviseError: no prompt is selected, no principle asks for critique and revision,
            or rounds or max_tokens cannot be.
        UnknownTemplateError: there is no such template.
    """
    selection = selection or PromptSelection()
    chosen = template or default_template(model_version.sandbox)
    template_named(chosen)
    if constitution_version.status != ConstitutionVersion.Status.PUBLISHED:
        raise NotPublishedError(
            f"{constitution_version} is {constitution_version.status}; publish it first, so that "
            "revisions refer to a text that never changes."
        )
    if not 1 <= rounds <= MOST_ROUNDS:
        raise NothingToReviseError(f"rounds is {rounds}; it must be between 1 and {MOST_ROUNDS}.")
    context = root_of(model_version).context_tokens
    if max_tokens is None:
        max_tokens = min(MAX_TOKENS, context // 4) if context else MAX_TOKENS
    if context is not None and max_tokens >= context:
        raise NothingToReviseError(
            f"max_tokens is {max_tokens}, which leaves no room for a prompt in the {context} "
            f"tokens of {model_version.name}; give less than half of them."
        )
    if not revised_principles(constitution_version):
        raise NothingToReviseError(
            f"{constitution_version} has no principle with a critique request, a revision request "
            "and a weight above 0."
        )
    if not selected_prompts(project.pk, selection).exists():
        raise NothingToReviseError(f"{project.slug} has no prompts that match.")
    run = RevisionRun.objects.create(
        project=project,
        constitution_version=constitution_version,
        model_version=model_version,
        engine=engine,
        template=chosen,
        selection=selection.model_dump(exclude_none=True),
        rounds=rounds,
        stop_early=stop_early,
        use_few_shots=use_few_shots,
        seed=seed,
        temperature=temperature,
        max_tokens=max_tokens,
        ask_raters=ask_raters,
        created_by=created_by,
    )
    if start:
        enqueue(run)
    return run


@transaction.atomic
def mark_chain(*, chain: Chain, bad: bool, user: User, reason: str = "") -> Chain:
    """Mark a chain as bad, or take the mark away again.

    A bad chain is in no new dataset, and neither is its pair, unless another chain that is good
    made the same pair. ReasonMissingError when it is marked without saying why.
    """
    if bad and not reason.strip():
        raise ReasonMissingError("Say what is wrong with this chain.")
    chain = Chain.objects.select_for_update(of=("self",)).get(pk=chain.pk)
    chain.bad = bad
    chain.bad_reason = reason.strip()[:500] if bad else ""
    chain.bad_by = user if bad else None
    chain.bad_at = timezone.now() if bad else None
    chain.save(update_fields=["bad", "bad_reason", "bad_by", "bad_at"])
    if chain.pair_id is not None:
        wanted = Chain.objects.filter(pair=chain.pair_id, bad=False).exists()
        pair = Pair.objects.filter(pk=chain.pair_id)
        if wanted:
            pair.filter(held_back=Pair.HeldBack.BAD_CHAIN).update(held_back="")
        else:
            pair.filter(held_back="").update(held_back=Pair.HeldBack.BAD_CHAIN)
    return chain
