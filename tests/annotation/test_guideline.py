"""Guidelines: versions that never change, read before the next task."""

from __future__ import annotations

import pytest

from annotation.errors import GuidelineError
from annotation.services import acknowledge_guideline, publish_guideline, unread_guideline
from tests.builders import make_project, make_rater

pytestmark = pytest.mark.django_db


def test_a_new_version_is_unread_until_it_is_acknowledged() -> None:
    project = make_project()
    rater = make_rater(project, "ann")
    assert unread_guideline(rater) is None
    one = publish_guideline(project=project, text="Be fair.\r\n")
    assert (one.number, one.text) == (1, "Be fair.")
    assert unread_guideline(rater) == one
    acknowledge_guideline(rater=rater, number=1)
    rater.refresh_from_db()
    assert unread_guideline(rater) is None
    two = publish_guideline(project=project, text="Be fair and quick.")
    assert unread_guideline(rater) == two


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "empty"), (" \n", "empty"), ("Be fair.", "version 1 has the same text")],
)
def test_a_version_that_says_nothing_new_is_refused(text: str, words: str) -> None:
    project = make_project()
    publish_guideline(project=project, text="Be fair.")
    with pytest.raises(GuidelineError, match=words):
        publish_guideline(project=project, text=text)
    assert project.guidelines.count() == 1


def test_a_version_that_is_not_cannot_be_read() -> None:
    rater = make_rater(make_project(), "ann")
    with pytest.raises(GuidelineError, match="no guideline version 3"):
        acknowledge_guideline(rater=rater, number=3)
