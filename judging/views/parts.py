"""What judging shows on the pages of constitutions."""

from __future__ import annotations

from django.template.loader import render_to_string

from constitution.extensions import PublishPart
from constitution.models import ConstitutionVersion, RevisionRun
from constitution.services import version_sha256
from judging.models import ImpactRun
from judging.runs.revision_results import other_judgements


def measured_impact(version: ConstitutionVersion) -> PublishPart:
    """What publishing a draft would change, as it was measured last."""
    run = ImpactRun.objects.filter(version=version, state=ImpactRun.State.SUCCEEDED).first()
    stale = run is not None and run.draft_sha256 != version_sha256(version)
    context = {
        "project": version.constitution.project,
        "constitution": version.constitution,
        "version": version,
        "result": run.result if run is not None else None,
        "stale": stale,
    }
    html = render_to_string("judging/_publish_impact.html", context)
    return PublishPart(html, complete=run is not None and not stale)


def said_by_others(run: RevisionRun) -> str:
    """How often judges and raters prefer the initial answer; empty where none has judged."""
    others = other_judgements(run)
    if not others.judged:
        return ""
    return render_to_string("judging/_other_judgements.html", {"others": others})
