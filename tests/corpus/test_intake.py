"""Before anybody sees a prompt: redaction, near-duplicates, names of authors, strata."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from corpus.imports.services import import_file
from corpus.intake.identity import MASK, mask
from corpus.intake.near_duplicates import groups, shingles
from corpus.intake.policy import (
    held_back_counts,
    identity_report,
    intake_policy,
    largest_groups,
    read_original,
    redaction_counts,
    set_intake_policy,
)
from corpus.intake.redaction import Redactor
from corpus.intake.scanning import scan
from corpus.models import (
    Completion,
    IntakePolicy,
    IntakeScan,
    OriginalLook,
    Pair,
    Project,
    Prompt,
    PromptOriginal,
)
from corpus.strata import audit, length_stratum
from jobs.runner import run_job
from tests.builders import make_project, make_user

pytestmark = pytest.mark.django_db


def bring(tmp_path: Path, *records: dict[str, object]) -> Project:
    """Import the records; again, to see that nothing is added."""
    file = tmp_path / "pairs.jsonl"
    file.write_text("\n".join(json.dumps(record) for record in records))
    first = import_file(slug="harbour", path=file)
    assert first.rejected == []
    again = import_file(slug="harbour", path=file)
    assert (again.pairs_added, again.duplicates) == (0, len(records))
    return Project.objects.get(slug="harbour")


def record(prompt: str, a: str = "yes", b: str = "no") -> dict[str, object]:
    return {"prompt": prompt, "response_a": a, "response_b": b}


def run_scans(project: Project) -> None:
    for job in IntakeScan.objects.filter(project=project, state=IntakeScan.State.QUEUED):
        run_job(IntakeScan, job.pk, scan)
        job.refresh_from_db()
        assert (job.state, job.error) == (IntakeScan.State.SUCCEEDED, "")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Mail jo@example.com now", "Mail <EMAIL_ADDRESS_1> now"),
        ("Call +49 30 901820 or 0.5", "Call <PHONE_NUMBER_1> or 0.5"),
        ("Card 4111 1111 1111 1111.", "Card <CREDIT_CARD_1>."),
        ("DE89 3704 0044 0532 0130 00", "<IBAN_CODE_1>"),
        ("host 192.168.0.1 down", "host <IP_ADDRESS_1> down"),
        (
            "a@b.org and c@d.org and A@b.org",
            "<EMAIL_ADDRESS_1> and <EMAIL_ADDRESS_2> and <EMAIL_ADDRESS_1>",
        ),
        ("Nothing personal here, 42 boats.", "Nothing personal here, 42 boats."),
        ("", ""),
    ],
)
def test_personal_data_is_replaced_by_its_kind(text: str, clean: str) -> None:
    assert Redactor().text(text) == clean


def test_a_redacted_prompt_is_all_that_is_stored_but_for_the_original(tmp_path: Path) -> None:
    project = make_project()
    set_intake_policy(project=project, changes={"redact_pii": True})
    bring(tmp_path, record("Write to jo@example.com", "Mailed jo@example.com.", "No."))
    prompt = Prompt.objects.get()
    assert prompt.messages == [{"role": "user", "content": "Write to <EMAIL_ADDRESS_1>"}]
    assert "Mailed <EMAIL_ADDRESS_1>." in set(Completion.objects.values_list("text", flat=True))
    assert redaction_counts(project) == {"EMAIL_ADDRESS": 2}
    carol = make_user("carol")
    assert read_original(prompt=prompt, user=carol)[0]["content"] == "Write to jo@example.com"
    assert OriginalLook.objects.get().user == carol


def test_a_prompt_without_personal_data_keeps_no_second_copy(tmp_path: Path) -> None:
    set_intake_policy(project=make_project(), changes={"redact_pii": True})
    bring(tmp_path, record("How do I tie a bowline?"))
    assert not PromptOriginal.objects.exists()
    with pytest.raises(PromptOriginal.DoesNotExist):
        read_original(prompt=Prompt.objects.get(), user=make_user("carol"))
    assert not OriginalLook.objects.exists()


LONG = "how many boats fit in the small harbour basin at low tide in the winter season"


def test_near_duplicates_are_grouped_held_back_and_let_go(tmp_path: Path) -> None:
    project = bring(
        tmp_path,
        record(f"{LONG} of this year?"),
        record(f"Please: {LONG} of this year?"),
        record("Something else altogether, about knots and ropes and nothing more."),
    )
    set_intake_policy(project=project, changes={"duplicates": "one", "duplicate_threshold": 0.7})
    run_scans(project)
    first, second, other = Prompt.objects.order_by("pk")
    assert (first.duplicate_group, second.duplicate_group, other.duplicate_group) == (
        first.pk,
        first.pk,
        None,
    )
    assert held_back_counts(project) == [("near-duplicate of another prompt", 1)]
    assert Pair.objects.get(held_back="duplicate").prompt == second
    assert largest_groups(project) == [(first, 2)]
    set_intake_policy(project=project, changes={"duplicates": "keep"})
    run_scans(project)
    assert held_back_counts(project) == []


words = st.lists(
    st.sampled_from(["sea", "land", "tide", "boat", "rope", "knot", "wind", "rain"]), max_size=20
)


@given(st.lists(words, max_size=8), st.sampled_from([0.5, 0.8, 1.0]))
def test_equal_texts_are_always_together(texts: list[list[str]], threshold: float) -> None:
    numbered = [(number, " ".join(text)) for number, text in enumerate(texts)]
    found = groups(numbered, threshold=threshold)
    for number, text in numbered:
        twins = [other for other, one in numbered if shingles(one) == shingles(text)]
        if len(twins) > 1:
            assert {found[twin] for twin in twins} == {found[number]}
    for number, group in found.items():
        assert group <= number
        assert found[group] == group


@pytest.mark.parametrize("threshold", [0.49, 1.01])
def test_a_threshold_out_of_range_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match=r"between 0\.5 and 1"):
        groups([], threshold=threshold)
    with pytest.raises(ValidationError):
        set_intake_policy(project=make_project(), changes={"duplicate_threshold": threshold})
    assert not IntakePolicy.objects.exists()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("I'm ChatGPT, trained by OpenAI.", f"I'm {MASK}, trained by {MASK}."),
        ("I am Claude.", f"I am {MASK}."),
        ("my name is Gemini 1.5 Pro!", f"my name is {MASK}!"),
        ("Use GPT-4o or llama 3", f"Use {MASK} or {MASK}"),
        ("Claude Monet painted lilies; Google sells phones.", None),
        ("As an AI language model I cannot.", None),
        ("The chatgpting of OpenAIs", None),
        ("", None),
    ],
)
def test_names_of_authors_are_masked_and_other_words_are_not(text: str, shown: str | None) -> None:
    masked = mask(text)
    assert masked.text == (text if shown is None else shown)
    assert masked.hits == masked.text.count(MASK)


def test_a_projects_own_names_are_masked_whatever_they_hold() -> None:
    assert mask("Ask Bot.9 (beta)+ now", ["Bot.9 (beta)+"]).text == f"Ask {MASK} now"
    assert mask("Botx9 (beta)+", ["Bot.9 (beta)+"]).hits == 0


@given(st.text(), st.lists(st.text(min_size=1, max_size=5), max_size=3))
def test_masking_never_fails_and_counts_what_it_hides(text: str, terms: list[str]) -> None:
    masked = mask(text, [term for term in terms if term.strip()])
    assert (masked.hits == 0) == (masked.text == text) or MASK in text


def test_pairs_that_give_their_author_away_are_counted_and_can_be_held(tmp_path: Path) -> None:
    project = bring(
        tmp_path, record("Who are you?", "I am ChatGPT.", "Nobody."), record("And?", "a", "b")
    )
    assert identity_report(project) == [{"model": "not known", "completions": 1, "hits": 1}]
    assert held_back_counts(project) == []
    set_intake_policy(project=project, changes={"identity": "hold"})
    run_scans(project)
    assert held_back_counts(project) == [("a completion reveals its author", 1)]
    set_intake_policy(project=project, changes={"identity_terms": "Nobody"})
    run_scans(project)
    assert identity_report(project)[0]["completions"] == 2
    set_intake_policy(project=project, changes={"identity": "off"})
    run_scans(project)
    assert (identity_report(project), held_back_counts(project)) == ([], [])


def test_a_new_pair_is_held_back_at_once_where_the_policy_says_so(tmp_path: Path) -> None:
    set_intake_policy(project=make_project(), changes={"identity": "hold"})
    project = bring(tmp_path, record("Who?", "I am ChatGPT.", "x"))
    assert held_back_counts(project) == [("a completion reveals its author", 1)]


def test_a_scan_that_waits_is_not_queued_twice() -> None:
    project = make_project()
    for terms in ("one", "two", "three"):
        set_intake_policy(project=project, changes={"identity_terms": terms})
    assert IntakeScan.objects.count() == 1
    assert intake_policy(project.pk).terms == ("three",)


def test_strata_too_thin_or_too_thick_are_reported() -> None:
    found = audit(
        {
            "domain": {"law": 2, "code": 60, "prose": 38},
            "language": {"en": 100},
            "length": {"short": 50, "long": 50},
            "origin": {"import": 1, "round": 999},
        }
    )
    assert [(one.dimension, one.stratum, one.share, one.fault) for one in found] == [
        ("domain", "code", 0.6, "over 40 %"),
        ("domain", "law", 0.02, "under 5 %"),
        ("length", "long", 0.5, "over 40 %"),
        ("length", "short", 0.5, "over 40 %"),
    ]
    assert audit({}) == []
    assert audit({"domain": {"a": 5, "b": 40, "c": 40, "d": 15}}) == [], "the bounds are in"


@pytest.mark.parametrize(
    ("characters", "stratum"), [(0, "short"), (199, "short"), (200, "medium"), (1000, "long")]
)
def test_lengths_have_their_strata(characters: int, stratum: str) -> None:
    assert length_stratum(characters) == stratum
