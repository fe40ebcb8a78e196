"""A draft is edited by several at once: what each saw, what is merged, what is written down."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from constitution.errors import (
    BadPrincipleError,
    NotADraftError,
    ReasonMissingError,
    StaleDraftError,
    UnknownConstitutionError,
)
from constitution.models import Change, Constitution, ConstitutionVersion, Principle
from constitution.services import (
    Conflict,
    Example,
    PrincipleText,
    add_principle,
    create_draft,
    discard_draft,
    draft_from,
    duplicate_principle,
    edit_principle,
    move_principle,
    publish_version,
    remove_principle,
    replace_few_shots,
    replace_principles,
    retire_version,
    texts_of,
    write_comment,
)
from constitution.texts.comparison import compare_versions
from constitution.texts.history import grouped_changes
from tests.builders import make_project, make_user

pytestmark = pytest.mark.django_db

TEXTS = tuple(
    PrincipleText(name, f"Choose the {name}.", f"Say what is not {name}.", f"Make it {name}.")
    for name in ("polite", "short", "true", "kind")
)


@pytest.fixture
def draft() -> ConstitutionVersion:
    return create_draft(project=make_project(), slug="c", name="C", principles=TEXTS)


@pytest.fixture
def carol() -> User:
    return make_user("carol")


@pytest.fixture
def dora() -> User:
    return make_user("dora")


def principle(draft: ConstitutionVersion, name: str) -> Principle:
    return draft.principles.get(name=name)


def edit(draft: ConstitutionVersion, who: User, seen: int, **fields: Any) -> Any:
    """Edit the principle “polite”."""
    pk = Principle.objects.get(version=draft, position=0).pk
    return edit_principle(version=draft, principle_id=pk, fields=fields, seen=seen, author=who)


def names(draft: ConstitutionVersion) -> list[str]:
    return [text.name for text in texts_of(draft)]


def test_an_edit_is_stored_counted_and_written_down(
    draft: ConstitutionVersion, carol: User
) -> None:
    before = draft.revision
    edited = edit(draft, carol, before, comparison="Choose the politer.")

    draft.refresh_from_db()
    assert edited.changed
    assert principle(draft, "polite").comparison == "Choose the politer."
    assert draft.revision == before + 1 == principle(draft, "polite").revision
    change = Change.objects.get(version=draft, revision=draft.revision)
    assert (change.action, change.author, change.principle_name) == ("edited", carol, "polite")
    assert change.before["comparison"] == "Choose the polite."
    assert change.after["comparison"] == "Choose the politer."


def test_what_changes_nothing_is_no_change(draft: ConstitutionVersion, carol: User) -> None:
    before = draft.revision
    assert not edit(draft, carol, before, comparison="Choose the polite.").changed
    draft.refresh_from_db()
    assert draft.revision == before


def test_two_who_edit_different_fields_at_once_both_keep_theirs(
    draft: ConstitutionVersion, carol: User, dora: User
) -> None:
    seen = draft.revision
    edit(draft, carol, seen, comparison="Choose the politer.")
    edited = edit(draft, dora, seen, weight=2.0, tags=["style"])

    assert edited.merged
    row = principle(draft, "polite")
    assert (row.comparison, row.weight, row.tags) == ("Choose the politer.", 2.0, ["style"])


def test_two_who_edit_one_field_are_shown_both_texts_and_nothing_is_stored(
    draft: ConstitutionVersion, carol: User, dora: User
) -> None:
    seen = draft.revision
    edit(draft, carol, seen, comparison="Carol's.")
    with pytest.raises(StaleDraftError, match="carol changed comparison of 'polite'") as stale:
        edit(draft, dora, seen, comparison="Dora's.", weight=3.0)

    assert stale.value.conflicts == (
        Conflict("comparison", "Choose the polite.", "Carol's.", "Dora's."),
    )
    row = principle(draft, "polite")
    assert (row.comparison, row.weight) == ("Carol's.", 1.0)

    draft.refresh_from_db()
    edit(draft, dora, draft.revision, comparison="Both.", weight=3.0)
    row.refresh_from_db()
    assert (row.comparison, row.weight) == ("Both.", 3.0)


def test_the_base_of_a_merge_is_what_the_editor_saw_however_often_it_changed_since(
    draft: ConstitutionVersion, carol: User, dora: User
) -> None:
    seen = draft.revision
    for text in ("One.", "Two.", "Choose the polite."):
        draft.refresh_from_db()
        edit(draft, carol, draft.revision, comparison=text)

    # Back to what it was: no conflict with one who saw it so.
    assert edit(draft, dora, seen, comparison="Dora's.").changed


def test_the_same_edit_twice_is_no_conflict(
    draft: ConstitutionVersion, carol: User, dora: User
) -> None:
    seen = draft.revision
    edit(draft, carol, seen, comparison="Same.")
    assert not edit(draft, dora, seen, comparison="Same.").changed


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "short"}, "name"),
        ({"weight": -1.0}, "weight"),
        ({"weight": float("nan")}, "weight"),
        ({"comparison": "x" * 20_001}, "comparison"),
        ({"verifier": {"kind": "nonsense"}}, "verifier"),
        ({"verifier": {"kind": "pattern", "pattern": "("}}, "verifier"),
        ({"examples": [{"prompt": " "}]}, "examples"),
        ({"examples": [{"text": "x"}]}, "examples"),
        ({"tags": [1]}, "tags"),
    ],
)
def test_a_bad_value_is_refused_by_its_field(
    draft: ConstitutionVersion, carol: User, fields: dict[str, Any], field: str
) -> None:
    before = texts_of(draft)
    with pytest.raises(BadPrincipleError) as error:
        edit(draft, carol, draft.revision, **fields)
    assert error.value.field == field
    assert texts_of(draft) == before


def test_principles_are_added_copied_moved_and_removed(
    draft: ConstitutionVersion, carol: User
) -> None:
    add_principle(version=draft, text=PrincipleText("new", ""), author=carol, reason="Why not")
    copied = duplicate_principle(
        version=draft, principle_id=principle(draft, "short").pk, author=carol
    )
    assert names(draft) == ["polite", "short", "short copy", "true", "kind", "new"]
    assert copied.comparison == "Choose the short."

    move_principle(version=draft, principle_id=copied.pk, to=0, author=carol)
    move_principle(version=draft, principle_id=principle(draft, "polite").pk, to=5, author=carol)
    assert names(draft) == ["short copy", "short", "true", "kind", "new", "polite"]

    draft.refresh_from_db()
    remove_principle(
        version=draft,
        principle_id=copied.pk,
        seen=draft.revision,
        author=carol,
        reason="Twice is enough",
    )
    assert names(draft) == ["short", "true", "kind", "new", "polite"]
    assert sorted(draft.principles.values_list("position", flat=True)) == [0, 1, 2, 3, 4]
    assert [change.action for change in draft.changes.order_by("revision")] == [
        *("created", "added", "added", "moved", "moved", "removed"),
    ]


def test_a_place_that_is_none_is_refused(draft: ConstitutionVersion, carol: User) -> None:
    with pytest.raises(BadPrincipleError, match="valid positions are 0 to 3"):
        move_principle(version=draft, principle_id=principle(draft, "kind").pk, to=4, author=carol)


def test_a_principle_that_was_edited_meanwhile_is_not_removed_unseen(
    draft: ConstitutionVersion, carol: User, dora: User
) -> None:
    seen = draft.revision
    edit(draft, carol, seen, weight=5.0)
    pk = principle(draft, "polite").pk
    with pytest.raises(StaleDraftError, match="carol changed 'polite'"):
        remove_principle(version=draft, principle_id=pk, seen=seen, author=dora)
    assert "polite" in names(draft)


def test_who_removed_a_principle_is_told_to_whom_still_edits_it(
    draft: ConstitutionVersion, carol: User, dora: User
) -> None:
    pk = principle(draft, "polite").pk
    remove_principle(version=draft, principle_id=pk, seen=draft.revision, author=carol)
    with pytest.raises(BadPrincipleError, match="carol removed it"):
        edit_principle(version=draft, principle_id=pk, fields={}, seen=0, author=dora)


def test_nothing_of_a_published_version_can_be_changed(
    draft: ConstitutionVersion, carol: User
) -> None:
    pk = principle(draft, "polite").pk
    publish_version(version=draft)
    for change in (
        lambda: edit(draft, carol, 0, weight=2.0),
        lambda: add_principle(version=draft, text=PrincipleText("x", "y")),
        lambda: duplicate_principle(version=draft, principle_id=pk),
        lambda: move_principle(version=draft, principle_id=pk, to=1),
        lambda: remove_principle(version=draft, principle_id=pk, seen=99),
        lambda: replace_principles(version=draft, principles=()),
        lambda: replace_few_shots(version=draft, few_shots=()),
        lambda: discard_draft(version=draft),
        lambda: publish_version(version=draft),
    ):
        with pytest.raises(NotADraftError):
            change()


def test_who_publishes_or_retires_says_why_and_has_seen_the_text(
    draft: ConstitutionVersion, carol: User
) -> None:
    with pytest.raises(ReasonMissingError):
        publish_version(version=draft, author=carol, reason="  ")
    seen = draft.revision
    edit(draft, carol, seen, weight=2.0)
    with pytest.raises(StaleDraftError, match="changed while you were looking"):
        publish_version(version=draft, author=carol, reason="Ready", revision=seen)
    published = publish_version(version=draft, author=carol, reason="Ready", revision=seen + 1)
    with pytest.raises(ReasonMissingError):
        retire_version(version=published, author=carol)
    retire_version(version=published, author=carol, reason="Better one there")
    published.refresh_from_db()
    reasons = list(published.changes.order_by("-revision").values_list("action", "reason")[:2])
    assert reasons == [("retired", "Better one there"), ("published", "Ready")]


def test_a_draft_made_from_a_version_has_its_text_and_knows_it(
    draft: ConstitutionVersion, carol: User
) -> None:
    replace_few_shots(version=draft, few_shots=[[{"role": "user", "content": "Hi"}]])
    edit(draft, carol, 99, examples=[Example("p", "r", "c", "v")._asdict()])
    published = publish_version(version=draft)
    second = draft_from(version=published, author=carol)

    assert texts_of(second) == texts_of(published)
    assert (second.few_shots, second.based_on, second.number) == (published.few_shots, published, 2)
    assert publish_version(version=second).sha256 == published.sha256


def test_the_last_draft_thrown_away_takes_its_constitution_along(
    draft: ConstitutionVersion,
) -> None:
    second = draft_from(version=draft)
    discard_draft(version=draft)
    assert Constitution.objects.exists()
    discard_draft(version=second)
    assert not Constitution.objects.exists()


def test_edits_in_one_go_are_one_entry_of_the_history(
    draft: ConstitutionVersion, carol: User, dora: User
) -> None:
    for text in ("Choose the p", "Choose the po", "Choose the polished."):
        draft.refresh_from_db()
        edit(draft, carol, draft.revision, comparison=text)
    draft.refresh_from_db()
    edit(draft, dora, draft.revision, weight=2.0)

    last, before, *_ = grouped_changes(draft)
    assert (last.author, before.author, before.edits) == ("dora", "carol", 3)
    [field] = before.fields
    assert (field.before, field.after) == ("Choose the polite.", "Choose the polished.")


def test_comments_are_about_the_version_or_one_of_its_principles(
    draft: ConstitutionVersion, carol: User
) -> None:
    write_comment(version=draft, text=" Good. ", author=carol)
    write_comment(version=draft, text="Too vague.", author=carol, principle_name="kind")
    assert list(draft.comments.values_list("text", "principle_name")) == [
        ("Good.", ""),
        ("Too vague.", "kind"),
    ]
    with pytest.raises(UnknownConstitutionError):
        write_comment(version=draft, text="x", author=carol, principle_name="none")
    with pytest.raises(BadPrincipleError):
        write_comment(version=draft, text=" ", author=carol)


def test_versions_are_compared_principle_by_principle(
    draft: ConstitutionVersion, carol: User
) -> None:
    published = publish_version(version=draft)
    second = draft_from(version=published)
    edit(second, carol, 99, weight=2.0)
    second.principles.filter(name="short").update(name="brief")
    remove_principle(version=second, principle_id=principle(second, "true").pk, seen=99)
    add_principle(version=second, text=PrincipleText("new", "Choose the new."))
    move_principle(version=second, principle_id=principle(second, "kind").pk, to=0)

    rows = {(row.before, row.after): row for row in compare_versions(published, second)}

    assert {key: row.status for key, row in rows.items()} == {
        ("kind", "kind"): "same",
        ("polite", "polite"): "changed",
        ("short", "brief"): "renamed",
        ("", "new"): "added",
        ("true", ""): "removed",
    }
    assert {key[1] for key, row in rows.items() if row.moved} == {"kind"}
    [weight] = [one for one in rows["polite", "polite"].fields if one.changed]
    assert (weight.field, weight.before, weight.after) == ("weight", "1", "2")
