"""A project's judge by the name that a command was given."""

from __future__ import annotations

from corpus.models import Project
from jobs.commands import BadInputError
from judging.models import JudgeConfig


def judge_named(slug: str, name: str | None) -> JudgeConfig:
    """The judge of that name, or the only one; own and foreign judges alike.

    BadInputError, which lists the judges that there are.
    """
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        raise BadInputError(f"There is no project {slug!r}.")
    judges = JudgeConfig.objects.filter(project=project).select_related("rater", "project")
    wanted = judges if name is None else judges.filter(rater__name=name)
    found = list(wanted[:2])
    if len(found) == 1:
        return found[0]
    names = judges.order_by("rater__name").values_list("rater__name", flat=True)
    what = f"no judge {name!r}" if name else "not one judge alone"
    raise BadInputError(
        f"{project.slug} has {what}; it has: {', '.join(map(repr, names)) or 'none'}."
    )
