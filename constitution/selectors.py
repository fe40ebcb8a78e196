"""Reads of constitutions."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from constitution.errors import UnknownConstitutionError
from constitution.models import (
    Chain,
    ConstitutionVersion,
    Principle,
    Revision,
    RevisionRun,
)
from corpus.models import Project


def published_version(project: Project, reference: str) -> ConstitutionVersion:
    """The published version that `SLUG` (the newest) or `SLUG@N` names.

    Raises UnknownConstitutionError, which lists what there is.
    """
    published = ConstitutionVersion.objects.filter(status=ConstitutionVersion.Status.PUBLISHED)
    return _named(published, project, reference, "published constitution")


def any_version(project: Project, reference: str) -> ConstitutionVersion:
    """The same among versions of whatever status."""
    return _named(ConstitutionVersion.objects.all(), project, reference, "constitution")


def _named(
    versions: QuerySet[ConstitutionVersion], project: Project, reference: str, what: str
) -> ConstitutionVersion:
    slug, _, number = reference.partition("@")
    there = versions.filter(constitution__project=project).select_related("constitution")
    wanted = there.filter(constitution__slug=slug)
    if number:
        wanted = wanted.filter(number=int(number)) if number.isdecimal() else wanted.none()
    version = wanted.order_by("-number").first()
    if version is None:
        names = ", ".join(str(one) for one in there.order_by("constitution__slug", "number"))
        raise UnknownConstitutionError(
            f"{project.slug} has no {what} {reference!r}; it has: {names or 'none'}."
        )
    return version


def compared_principles(version: ConstitutionVersion) -> list[Principle]:
    """The principles by which a judge compares, in order: those with a comparison and a weight."""
    principles = version.principles.filter(weight__gt=0).exclude(comparison="")
    return list(principles.order_by("position"))


def verified_principles(version: ConstitutionVersion) -> list[Principle]:
    """The principles that a program checks, in order: those with a verifier and a weight."""
    principles = version.principles.filter(weight__gt=0, verifier__isnull=False)
    return list(principles.order_by("position"))


def revised_principles(version: ConstitutionVersion) -> list[Principle]:
    """The principles by which answers are revised, in order: those that ask for a critique and a
    revision and have a weight."""
    principles = version.principles.filter(weight__gt=0)
    with_words = principles.exclude(critique_request="").exclude(revision_request="")
    return list(with_words.order_by("position"))


def revising_versions(project_id: int) -> list[ConstitutionVersion]:
    """The published versions that answers can be revised by, newest first: those with such a
    principle."""
    asking = Principle.objects.filter(version=OuterRef("pk"), weight__gt=0)
    with_words = asking.exclude(critique_request="").exclude(revision_request="")
    versions = ConstitutionVersion.objects.filter(
        Exists(with_words),
        constitution__project=project_id,
        status=ConstitutionVersion.Status.PUBLISHED,
    )
    return list(versions.select_related("constitution"))


@dataclass(frozen=True, slots=True)
class PrincipleCount:
    """What a principle's rounds came to in a run."""

    name: str
    rounds: int
    revised: int
    nothing_found: int
    failed: int


@dataclass(frozen=True, slots=True)
class RunCounts:
    """What came of a run's chains: `findings` counts every kind, `kept` those that may be used
    (revised and not marked as bad), `refusals` the last revisions that refuse where the initial
    answer did not, wanted or not, and `rounds` the revisions of each round."""

    chains: int
    findings: dict[str, int]
    kept: int
    bad: int
    refusals: int
    rounds: dict[int, int]
    principles: list[PrincipleCount]


def run_counts(run: RevisionRun) -> RunCounts:
    """Counted in the database, whatever the number of chains."""
    chains = Chain.objects.filter(run=run)
    found = dict(chains.exclude(finding="").values_list("finding").annotate(n=Count("pk")))
    steps = Revision.objects.filter(chain__run=run)
    rounds = steps.filter(status=Revision.Status.REVISED).values_list("round")
    principles = (
        steps.values("principle__name")
        .annotate(
            rounds=Count("pk"),
            revised=Count("pk", filter=Q(status=Revision.Status.REVISED)),
            nothing_found=Count("pk", filter=Q(status=Revision.Status.NOTHING_FOUND)),
            failed=Count("pk", filter=Q(status=Revision.Status.FAILED)),
        )
        .order_by("principle__position")
    )
    return RunCounts(
        chains=chains.count(),
        findings={kind.value: found.get(kind.value, 0) for kind in Chain.Finding},
        kept=chains.filter(finding=Chain.Finding.REVISED, bad=False).count(),
        bad=chains.filter(bad=True).count(),
        refusals=chains.filter(refuses_now=True).count(),
        rounds=dict(rounds.annotate(n=Count("pk")).order_by("round")),
        principles=[
            PrincipleCount(
                name=row["principle__name"],
                rounds=row["rounds"],
                revised=row["revised"],
                nothing_found=row["nothing_found"],
                failed=row["failed"],
            )
            for row in principles
        ],
    )


def current_version(version: ConstitutionVersion) -> ConstitutionVersion | None:
    """The newest published version of the same constitution; None before the first."""
    published = ConstitutionVersion.Status.PUBLISHED
    others = version.constitution.versions.exclude(pk=version.pk)
    return others.filter(status=published).order_by("-number").first()
