"""Drafts change, published versions never."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from constitution.errors import (
    BadPrincipleError,
    BadVerifierError,
    EmptyVersionError,
    NotADraftError,
    NotPublishedError,
    UnknownConstitutionError,
)
from constitution.models import ConstitutionVersion, Principle
from constitution.selectors import published_version
from constitution.services import (
    Example,
    PrincipleText,
    add_principle,
    create_draft,
    draft_from,
    edit_principle,
    move_principle,
    publish_version,
    remove_principle,
    replace_principles,
    retire_version,
    version_sha256,
)
from corpus.models import Project
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
    with pytest.raises(NotADraftError, match="cannot be changed"):
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


@pytest.mark.django_db
def test_a_published_version_is_retired_once_and_stays_as_it_is() -> None:
    version = draft()
    with pytest.raises(NotPublishedError, match="is draft; only a published version"):
        retire_version(version=version)
    published = publish_version(version=version)
    before = published.sha256
    retired = retire_version(version=published)
    assert (retired.status, retired.sha256, version_sha256(retired)) == ("retired", before, before)
    with pytest.raises(NotPublishedError, match="is retired"):
        retire_version(version=retired)
    with pytest.raises(NotADraftError):
        replace_principles(version=retired, principles=[SHORT])
    with pytest.raises(UnknownConstitutionError):
        published_version(retired.constitution.project, "courtesy")


@pytest.mark.django_db
def test_fields_that_a_text_does_not_use_change_no_hash() -> None:
    plain = publish_version(version=draft("plain"))
    # Written down when principles had neither examples nor verifiers, nor versions few-shots.
    assert plain.sha256 == "38a53ab164d4cf1997817866744fa49c2eadc9c8d37cac216445ee0d2f169b10"
    others = {
        publish_version(
            version=draft("example", replace(POLITE, examples=(Example("Hi"),)), SHORT)
        ),
        publish_version(
            version=draft("verifier", replace(POLITE, verifier={"kind": "refusal"}), SHORT)
        ),
    }
    shots = create_draft(
        project=make_project("shots"),
        slug="c",
        name="C",
        principles=(POLITE, SHORT),
        few_shots=[[{"role": "user", "content": "Hi"}]],
    )
    others.add(publish_version(version=shots))
    assert len({plain.sha256} | {one.sha256 for one in others}) == 4


@pytest.mark.django_db
def test_a_verifier_that_is_none_is_refused_and_nothing_is_written() -> None:
    with pytest.raises(BadVerifierError, match="valid kinds are"):
        draft("bad", replace(POLITE, verifier={"kind": "magic"}))
    assert not Principle.objects.exists()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["draft", "copy", "replace", "edit", "add", "move", "remove", "publish", "retire"]
        ),
        st.integers(0, 5),
    ),
    max_size=16,
)


def act(version: ConstitutionVersion, step: str, number: int) -> None:
    """One step of somebody who edits, on whatever version they have before them."""
    principle = version.principles.order_by("position").first()
    if step == "replace":
        words = [PrincipleText("b", f"Or by {number}.")]
        replace_principles(version=version, principles=words)
    elif step == "add":
        text = PrincipleText(f"new {number}", "Choose.")
        add_principle(version=version, text=text)
    elif step == "retire":
        retire_version(version=version)
    elif principle is None:
        return
    elif step == "edit":
        fields = {"comparison": f"Choose otherwise {number}.", "weight": float(number)}
        edit_principle(version=version, principle_id=principle.pk, fields=fields, seen=99)
    elif step == "move":
        to = version.principles.count() - 1
        move_principle(version=version, principle_id=principle.pk, to=to)
    elif step == "remove":
        remove_principle(version=version, principle_id=principle.pk, seen=99)


@pytest.mark.django_db
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(STEPS)
def test_whatever_is_done_in_whatever_order_a_published_hash_stays(
    steps: list[tuple[str, int]],
) -> None:
    project = make_project(f"p{Project.objects.count()}-{len(steps)}")
    versions: list[ConstitutionVersion] = []
    published: dict[int, str] = {}
    for step, number in steps:
        if step == "draft" or not versions:
            words = PrincipleText("a", f"Choose by {number}.", weight=number + 1)
            versions.append(create_draft(project=project, slug="c", name="C", principles=[words]))
            continue
        version = versions[number % len(versions)]
        with suppress(NotADraftError, NotPublishedError, EmptyVersionError, BadPrincipleError):
            if step == "copy":
                versions.append(draft_from(version=version))
            elif step == "publish":
                published[version.pk] = publish_version(version=version).sha256
            else:
                act(version, step, number)
        for pk, sha256 in published.items():
            there = ConstitutionVersion.objects.get(pk=pk)
            assert there.status in ("published", "retired")
            assert there.sha256 == version_sha256(there) == sha256
