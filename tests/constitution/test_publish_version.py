"""Drafts change, published versions never."""

from __future__ import annotations

import pytest

from constitution.errors import EmptyVersionError, NotADraftError, UnknownConstitutionError
from constitution.models import ConstitutionVersion
from constitution.selectors import published_version
from constitution.services import (
    PrincipleText,
    create_draft,
    publish_version,
    replace_principles,
    version_sha256,
)
from tests.builders import make_project

POLITE = PrincipleText("polite", "Choose the response that is more polite.")
SHORT = PrincipleText("short", "Choose the response that is shorter.", weight=2.0, tags=("style",))


def draft(slug: str = "courtesy", *principles: PrincipleText) -> ConstitutionVersion:
    project = make_project(f"project-{slug}")
    return create_draft(
        project=project, slug=slug, name=slug.title(), principles=principles or (POLITE, SHORT)
    )


@pytest.mark.django_db
def test_publishing_freezes_the_version_under_the_hash_of_its_text() -> None:
    published = publish_version(version=draft())

    assert published.status == "published"
    assert published.published_at is not None
    assert published.sha256 == version_sha256(published)
    assert len(published.sha256) == 64


@pytest.mark.django_db
def test_the_same_words_have_the_same_hash_in_another_project() -> None:
    one, two = publish_version(version=draft("one")), publish_version(version=draft("two"))

    assert one.sha256 == two.sha256


@pytest.mark.django_db
def test_other_words_weights_or_order_have_another_hash() -> None:
    hashes = {
        publish_version(version=draft(f"v{number}", *principles)).sha256
        for number, principles in enumerate(
            [(POLITE, SHORT), (SHORT, POLITE), (POLITE,), (PrincipleText("polite", "Be nice."),)]
        )
    }

    assert len(hashes) == 4


@pytest.mark.django_db
def test_a_draft_can_be_rewritten_and_a_published_version_cannot() -> None:
    version = draft()
    replace_principles(version=version, principles=[SHORT])
    assert [p.name for p in version.principles.all()] == ["short"]

    published = publish_version(version=version)
    with pytest.raises(NotADraftError, match="never changes"):
        replace_principles(version=published, principles=[POLITE])
    with pytest.raises(NotADraftError):
        publish_version(version=published)
    assert [p.name for p in published.principles.all()] == ["short"]
    assert version_sha256(published) == published.sha256


@pytest.mark.django_db
def test_a_version_without_principles_is_not_published() -> None:
    project = make_project()
    version = create_draft(project=project, slug="empty", name="Empty", principles=[])

    with pytest.raises(EmptyVersionError, match="no principles"):
        publish_version(version=version)


@pytest.mark.django_db
def test_a_reference_names_the_newest_or_a_numbered_published_version() -> None:
    first = publish_version(version=draft())
    project = first.constitution.project
    second = publish_version(
        version=create_draft(project=project, slug="courtesy", name="", principles=[SHORT])
    )
    create_draft(project=project, slug="courtesy", name="", principles=[POLITE])

    assert published_version(project, "courtesy") == second
    assert published_version(project, "courtesy@1") == first
    for wrong in ("courtesy@3", "courtesy@x", "manners"):
        with pytest.raises(UnknownConstitutionError, match="courtesy@1, courtesy@2"):
            published_version(project, wrong)
