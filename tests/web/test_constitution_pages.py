"""Pages of constitutions and critique runs without a browser: what each role may, and bad input."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from constitution.models import Chain, ConstitutionVersion, RevisionRun
from constitution.services import (
    PrincipleText,
    create_draft,
    edit_principle,
    publish_version,
    retire_version,
    texts_of,
)
from corpus.models import ModelVersion, Prompt
from corpus.registry import sandbox_model
from exports.models import DatasetVersion
from jobs.models import JobState
from judging.models import DraftTrial, ImpactRun
from judging.trials.impact import draw_audit_set
from judging.trials.impact_figures import Judged, Principle, figures
from tests.builders import Cast, make_cast, make_label, make_pair, make_prompt, make_rater
from tests.judging.trials.test_impact import both
from tests.judging.workshop import make_model, make_revision_run, make_version

pytestmark = pytest.mark.django_db

HERE = "/projects/harbour/"
DRAFT = f"{HERE}constitution/c/1/"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture(autouse=True)
def a_server(settings: Settings) -> None:
    """One that is named; nobody asks it anything here."""
    settings.INFERENCE_SERVERS = ["http://127.0.0.1:9"]


@pytest.fixture
def draft(cast: Cast) -> ConstitutionVersion:
    return create_draft(
        project=cast.project,
        slug="c",
        name="C",
        principles=[PrincipleText("polite", "Choose the polite.", "Say.", "Mend.")],
    )


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def new(client: Client, **fields: Any) -> Any:
    return client.post(f"{HERE}constitution/new", {"name": "Mine", "start": "empty", **fields})


@pytest.mark.parametrize(("start", "principles"), [("starter", 18), ("sandbox", 3), ("empty", 0)])
def test_a_draft_begins_with_a_starter_or_nothing(cast: Cast, start: str, principles: int) -> None:
    answer = new(as_user(cast.carol), start=start)

    version = ConstitutionVersion.objects.get()
    assert answer["Location"] == f"{HERE}constitution/mine/1/"
    assert (version.status, version.created_by) == ("draft", cast.carol)
    assert version.principles.count() == principles


def test_a_draft_begins_with_a_file(cast: Cast) -> None:
    content = {"harm": {"prompt": ["Say what harms."], "edit_request": "Mend it."}}
    file = SimpleUploadedFile("c.json", json.dumps(content).encode())
    new(as_user(cast.carol), start="file", file=file, slug="public")

    [text] = texts_of(ConstitutionVersion.objects.get(constitution__slug="public"))
    assert (text.name, text.critique_request) == ("harm", "Say what harms.")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"start": "file"}, "Choose a file."),
        ({"start": "file", "file": b"\xff\xfe"}, "not UTF-8 text"),
        ({"start": "file", "file": b"{]"}, "neither YAML nor JSON"),
        ({"start": "file", "file": b"a: 1"}, "the file is not a constitution"),
        ({"name": "!!!"}, "enter one"),
        ({"slug": "no slug"}, "valid"),
        ({"name": ""}, "This field is required"),
    ],
)
def test_a_draft_that_cannot_be_made_says_why(
    cast: Cast, fields: dict[str, Any], message: str
) -> None:
    if isinstance(fields.get("file"), bytes):
        fields = {**fields, "file": SimpleUploadedFile("c.yaml", fields["file"])}
    answer = new(as_user(cast.carol), **fields)

    assert answer.status_code == 400
    assert message in answer.content.decode()
    assert not ConstitutionVersion.objects.exists()


def test_who_may_not_edit_sees_the_text_and_no_form(cast: Cast, draft: ConstitutionVersion) -> None:
    for user in (cast.bob, cast.dan):
        page = as_user(user).get(DRAFT).content.decode()
        assert "Choose the polite." in page
        assert "field-comparison" not in page
        assert "Publish…" not in page
    page = as_user(cast.carol).get(DRAFT).content.decode()
    assert "field-comparison" in page


@pytest.mark.parametrize(
    "path",
    [
        *("principles/add", "publish/", "retire", "draft", "discard", "impact/audit"),
        *("principles/{pk}/", "principles/{pk}/remove", "principles/{pk}/move", "conversations"),
    ],
)
def test_only_admins_change_a_constitution(
    cast: Cast, draft: ConstitutionVersion, path: str
) -> None:
    address = DRAFT + path.format(pk=draft.principles.get().pk)
    for user in (cast.alice, cast.bob, cast.dan):
        assert as_user(user).post(address, {}).status_code == 403
    draft.refresh_from_db()
    assert draft.revision == 1


def save(client: Client, draft: ConstitutionVersion, seen: int, **fields: str) -> Any:
    pk = draft.principles.get().pk
    data = {f"field-{name}": text for name, text in fields.items()}
    return client.post(
        f"{DRAFT}principles/{pk}/",
        {"seen": seen, "reason": "Because", **data},
        headers={"Accept": "application/json"},
    )


def test_fields_are_stored_as_they_are_sent(cast: Cast, draft: ConstitutionVersion) -> None:
    answer = save(
        as_user(cast.carol),
        draft,
        draft.revision,
        comparison="Choose\r\nthe politer.",
        tags="a, b",
        examples="- prompt: Hi\n  response: Go.\n",
        verifier="kind: length\nmost: 9",
    )

    assert answer.status_code == 200
    assert answer.json()["revision"] == 2
    [text] = texts_of(draft)
    assert (text.comparison, text.tags) == ("Choose\nthe politer.", ("a", "b"))
    assert text.examples[0].response == "Go."
    assert text.verifier == {"kind": "length", "most": 9}
    assert draft.changes.first().reason == "Because"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"weight": "x"}, "weight"),
        ({"verifier": "kind: ["}, "verifier"),
        ({"verifier": "kind: other"}, "verifier"),
        ({"examples": "prompt: x"}, "examples"),
        ({"examples": "- other: x"}, "examples"),
        ({"name": "a\x00b"}, "name"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_field_that_cannot_be_stored_is_named(
    cast: Cast, draft: ConstitutionVersion, fields: dict[str, str], field: str
) -> None:
    answer = save(as_user(cast.carol), draft, draft.revision, **fields)

    assert answer.status_code == 400
    assert answer.json()["field"] == field


def test_a_stale_edit_is_answered_with_both_texts(cast: Cast, draft: ConstitutionVersion) -> None:
    seen = draft.revision
    edit_principle(
        version=draft,
        principle_id=draft.principles.get().pk,
        fields={"comparison": "Theirs."},
        seen=seen,
        author=cast.dan,
    )
    answer = save(as_user(cast.carol), draft, seen, comparison="Mine.")

    assert answer.status_code == 409
    [conflict] = answer.json()["conflicts"]
    assert (conflict["base"], conflict["theirs"], conflict["mine"], conflict["who"]) == (
        *("Choose the polite.", "Theirs.", "Mine.", "dan"),
    )
    changes = as_user(cast.carol).get(f"{DRAFT}changes?since={seen}").json()
    assert (changes["authors"], changes["revision"]) == (["dan"], seen + 1)
    assert changes["principles"][0]["fields"]["comparison"] == "Theirs."


def test_a_form_sent_without_scripts_is_answered_by_the_page(
    cast: Cast, draft: ConstitutionVersion
) -> None:
    client, pk = as_user(cast.carol), draft.principles.get().pk
    for path, data in (
        (f"principles/{pk}/", {"seen": "1", "field-weight": "4"}),
        ("principles/add", {"name": "kind"}),
        (f"principles/{pk}/duplicate", {}),
        (f"principles/{pk}/move", {"to": "2"}),
        (f"principles/{pk}/move", {"to": "99"}),
        (f"principles/{pk}/remove", {"seen": "99"}),
    ):
        assert client.post(DRAFT + path, data)["Location"] == DRAFT
    assert [text.name for text in texts_of(draft)] == ["polite copy", "kind"]
    assert "valid positions are 0 to 2" in client.get(DRAFT).content.decode()


SHOTS = "- - user: Hi\n  - assistant: Go.\n"


def shoot(client: Client, draft: ConstitutionVersion, text: str) -> Any:
    page = client.get(DRAFT).content.decode()
    before = page.split('name="before" value="')[1][:64]
    return client.post(f"{DRAFT}conversations", {"few_shots": text, "before": before})


def test_few_shot_conversations_are_edited(cast: Cast, draft: ConstitutionVersion) -> None:
    client = as_user(cast.carol)
    assert shoot(client, draft, SHOTS)["Location"] == DRAFT
    draft.refresh_from_db()
    assert draft.few_shots == [
        [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Go."}]
    ]
    assert "- - user: Hi" in client.get(DRAFT).content.decode()
    shoot(client, draft, "")
    draft.refresh_from_db()
    assert draft.few_shots == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user: Hi", "Write a list of conversations"),
        ("- - other: Hi", "Conversation 1, turn 1"),
        ("- - user: Hi\n  - x", "Conversation 1, turn 2"),
        ("- [", "Not valid YAML on line 1"),
    ],
)
def test_conversations_that_are_none_are_told_and_kept_on_the_page(
    cast: Cast, draft: ConstitutionVersion, text: str, message: str
) -> None:
    answer = shoot(as_user(cast.carol), draft, text)
    assert answer.status_code == 400
    assert message in answer.content.decode()
    assert f"{text}</textarea>" in answer.content.decode()


def test_conversations_that_another_changed_meanwhile_are_not_overwritten(
    cast: Cast, draft: ConstitutionVersion
) -> None:
    shoot(as_user(cast.carol), draft, SHOTS)
    stale = {"few_shots": "- - user: Mine\n", "before": "0" * 64}
    answer = as_user(cast.carol).post(f"{DRAFT}conversations", stale)
    assert answer.status_code == 400
    assert "Someone else changed the conversations" in answer.content.decode()
    assert "- - user: Mine" in answer.content.decode()
    draft.refresh_from_db()
    assert draft.few_shots[0][0]["content"] == "Hi"


@pytest.mark.parametrize(
    ("query", "start"),
    [
        ("", "name: C\n"),
        ("?as=json", '{\n  "name": "C"'),
        ("?format=critiques", '{\n  "polite": {'),
        ("?format=comparisons", "[\n"),
        ("?format=swarm", '{\n  "constitutions": ['),
    ],
)
def test_a_version_is_exported_in_each_format(
    cast: Cast, draft: ConstitutionVersion, query: str, start: str
) -> None:
    answer = as_user(cast.dan).get(f"{DRAFT}export{query}")

    assert answer.content.decode().startswith(start)
    assert answer["Content-Disposition"].startswith('attachment; filename="c-1')
    assert as_user(cast.dan).get(f"{DRAFT}export?format=other").status_code == 404


def test_publishing_wants_the_tick_a_reason_and_the_text_that_was_seen(
    cast: Cast, draft: ConstitutionVersion
) -> None:
    client, whole = as_user(cast.carol), {"confirmed": "yes", "reason": "Ready", "revision": "1"}
    for lacking, message in (
        ("confirmed", "Confirm that you have seen"),
        ("reason", "Give a reason"),
        ("revision", "reload the page"),
    ):
        answer = client.post(f"{DRAFT}publish/", {k: v for k, v in whole.items() if k != lacking})
        assert answer.status_code == 400
        assert message in answer.content.decode()
    answer = client.post(f"{DRAFT}publish/", {**whole, "revision": "0"})
    assert "changed while you were looking" in answer.content.decode()
    assert ConstitutionVersion.objects.get().status == "draft"

    client.post(f"{DRAFT}publish/", whole)
    assert ConstitutionVersion.objects.get().status == "published"
    client.post(f"{DRAFT}retire", {"reason": ""})
    assert ConstitutionVersion.objects.get().status == "published"
    client.post(f"{DRAFT}retire", {"reason": "Old"})
    assert ConstitutionVersion.objects.get().status == "retired"
    client.post(f"{DRAFT}draft")
    assert ConstitutionVersion.objects.filter(number=2, status="draft").exists()
    client.post(f"{HERE}constitution/c/2/discard")
    assert ConstitutionVersion.objects.count() == 1


def test_a_draft_without_principles_is_not_offered_for_publishing(cast: Cast) -> None:
    create_draft(project=cast.project, slug="none", name="None", principles=[])
    shown = as_user(cast.carol).get(f"{HERE}constitution/none/1/publish/").content.decode()
    assert "This version has no principles: write at least one, then publish it." in shown
    assert "Publish version 1" not in shown
    assert "publish-reason" not in shown


def test_a_retired_version_can_be_chosen_by_no_judge_and_no_run(cast: Cast) -> None:
    make_pair(cast.project)
    ModelVersion.objects.create(project=cast.project, name="base", kind="base")
    version = make_version(cast.project)
    client = as_user(cast.dan)
    option = f'<option value="{version.pk}"'
    assert option in client.get(f"{HERE}judge/new").content.decode()
    assert option in client.get(f"{HERE}critique/").content.decode()
    retire_version(version=version)
    assert option not in client.get(f"{HERE}judge/new").content.decode()
    assert option not in client.get(f"{HERE}critique/").content.decode()


def test_trials_and_impact_are_launched_by_researchers(
    cast: Cast, draft: ConstitutionVersion
) -> None:
    model = make_model(cast.project)
    make_label(make_pair(cast.project), make_rater(cast.project, "ann"))
    asked = {"model": model.pk, "engine": "server"}
    tried = {**asked, "prompt": "May I?", "temperature": "1"}
    for user, status in ((cast.bob, 403), (cast.dan, 302)):
        assert as_user(user).post(f"{DRAFT}try/", tried).status_code == status
        assert as_user(user).post(f"{DRAFT}impact/", asked).status_code == status
    assert DraftTrial.objects.get().prompt == "May I?"
    run = ImpactRun.objects.get()
    assert run.audit_set.audit_pairs.count() == 1
    page = as_user(cast.bob).get(f"{DRAFT}impact/").content.decode()
    assert "queued" in page
    as_user(cast.dan).post(f"{DRAFT}impact/{run.pk}/cancel")
    run.refresh_from_db()
    assert run.state == "cancelled"


def test_flips_are_paged_and_narrowed_to_what_they_came_to(
    cast: Cast, draft: ConstitutionVersion
) -> None:
    make_label(make_pair(cast.project), make_rater(cast.project, "ann"))
    flip = {"before": "first", "after": "equal", "p_before": 0.9, "p_after": 0.5}
    humans = ["both_bad"] * 30 + ["first"] * 4 + ["second"]
    flips = [flip | {"pair": 10**6 + n, "human": human} for n, human in enumerate(humans)]
    ImpactRun.objects.create(
        project=cast.project,
        version=draft,
        audit_set=draw_audit_set(project=cast.project),
        model_version=make_model(cast.project),
        engine="server",
        template="pairwise-v1",
        texts={},
        draft_sha256="a" * 64,
        state=JobState.SUCCEEDED,
        result=figures([], [], [], tie_band=0.05) | {"flips": flips, "flipped": 40},
    )

    def shown(query: str) -> tuple[str, int]:
        page = as_user(cast.bob).get(f"{DRAFT}impact/{query}").content.decode()
        assert "both_bad" not in page
        return page, page.count("<strong>first → equal</strong>")

    everything, rows = shown("")
    assert rows == 25
    assert "The 35 most confident were kept; 5 more flipped." in everything
    # A both-bad pair has no better answer, which a judge can only call equal.
    gained, rows = shown("?flips=gained")
    assert (rows, gained.count("now agrees with humans")) == (25, 25)
    assert "?flips=gained&page=2#flips" in gained.replace("&amp;", "&")
    assert shown("?flips=gained&page=2")[1] == 5
    lost, rows = shown("?flips=lost")
    assert (rows, lost.count("no longer agrees with humans")) == (4, 4)
    assert shown("?flips=nonsense&page=99")[1] == 10


@pytest.mark.parametrize(("pairs", "warned"), [(12, 4), (40, 0)])
def test_an_impact_that_rests_on_few_pairs_says_so_and_every_line_ends_once(
    cast: Cast, draft: ConstitutionVersion, pairs: int, warned: int
) -> None:
    make_label(make_pair(cast.project), make_rater(cast.project, "ann"))
    old, new = Principle("polite", "a", 1.0), Principle("polite", "b", 1.0)
    # The draft says first of all: κ is 0 for a reason of its own.
    judged = [
        Judged(
            number,
            "first" if number % 2 else "second",
            {},
            {"a": both(0.9 if number % 2 else 0.1), "b": both(0.9)},
        )
        for number in range(pairs)
    ]
    ImpactRun.objects.create(
        project=cast.project,
        version=draft,
        base=draft.constitution.versions.exclude(pk=draft.pk).first(),
        audit_set=draw_audit_set(project=cast.project),
        model_version=make_model(cast.project),
        engine="server",
        template="pairwise-v1",
        texts={},
        draft_sha256="a" * 64,
        state=JobState.SUCCEEDED,
        result=figures(judged, [new], [old], tie_band=0.05),
    )
    page = as_user(cast.bob).get(f"{DRAFT}impact/").content.decode()
    figures_only = page.split("Agreement with humans, before")[1].split("Intervals at 95 %.")[0]
    assert figures_only.count(f"Based on only {pairs} pairs: too few to be reliable.") == warned
    assert ("based on only 12 pairs: too few to be reliable" in figures_only) == bool(warned)
    assert ".." not in figures_only
    assert "None" not in figures_only
    assert "with this draft. " in figures_only


def test_impact_without_human_labels_says_so(cast: Cast, draft: ConstitutionVersion) -> None:
    model = make_model(cast.project)
    answer = as_user(cast.carol).post(f"{DRAFT}impact/", {"model": model.pk, "engine": "server"})
    assert answer.status_code == 400
    assert "no pairs decided by humans" in answer.content.decode()


def test_a_published_version_has_no_impact_page(cast: Cast, draft: ConstitutionVersion) -> None:
    publish_version(version=draft)
    assert as_user(cast.dan).get(f"{DRAFT}impact/")["Location"] == DRAFT


def test_a_comment_needs_words_and_is_kept_when_it_is_refused(
    cast: Cast, draft: ConstitutionVersion
) -> None:
    client = as_user(cast.bob)
    answer = client.post(f"{DRAFT}comment", {"text": "About what?", "principle": "none"})
    assert answer.status_code == 400
    assert "About what?</textarea>" in answer.content.decode()
    client.post(f"{DRAFT}comment", {"text": "**Good**", "principle": "polite"})
    assert "<strong>Good</strong>" in client.get(f"{DRAFT}history/").content.decode()


# --- Critique runs ------------------------------------------------------------------------------


def test_a_run_is_launched_over_the_prompts_that_were_chosen(cast: Cast) -> None:
    make_pair(cast.project)
    Prompt.objects.update(source="red team", sensitive=True)
    fields = {
        "constitution": make_version(cast.project).pk,
        "model": make_model(cast.project).pk,
        "engine": "server",
        "rounds": "2",
        "temperature": "0.7",
        "seed": "3",
        "limit": "5",
    }
    client = as_user(cast.dan)
    client.post(f"{HERE}critique/launch", {**fields, "source": "source:red team"})
    client.post(f"{HERE}critique/launch", {**fields, "source": "sensitive:"})

    second, first = RevisionRun.objects.all()
    assert first.selection == {"source": "red team", "limit": 5}
    assert second.selection == {"sensitive": True, "limit": 5}
    assert (first.rounds, first.temperature, first.seed, first.stop_early) == (2, 0.7, 3, False)
    answer = client.post(f"{HERE}critique/launch", {**fields, "rounds": "17"})
    assert answer.status_code == 400


def test_a_constitution_that_cannot_revise_is_not_offered_for_a_run(cast: Cast) -> None:
    make_prompt(cast.project)
    sandbox_model(cast.project)
    judging = publish_version(
        version=create_draft(
            project=cast.project, slug="j", name="J", principles=[PrincipleText("p", "Choose.")]
        )
    )
    client = as_user(cast.dan)
    assert "asks for a critique and a revision" in client.get(f"{HERE}critique/").content.decode()
    make_version(cast.project)
    page = client.get(f"{HERE}critique/").content.decode()
    assert ">c@1</option>" in page
    assert f">{judging}</option>" not in page


def test_prompts_are_brought_in_by_upload_with_odd_lines_told(cast: Cast) -> None:
    file = SimpleUploadedFile("attempts.jsonl", b'{"prompt": "Hi?"}\nnot json\n')
    client = as_user(cast.dan)
    added = client.post(f"{HERE}critique/prompts", {"file": file, "red_team": "on"}, follow=True)

    prompt = Prompt.objects.get()
    assert (prompt.source, prompt.sensitive) == ("attempts.jsonl", True)
    assert added.request["PATH_INFO"] == f"{HERE}prompts/", "where it can be seen and sampled from"
    page = added.content.decode()
    assert "Hi?" in page
    assert "1 prompt added, 0 already there, 1 line rejected. Line 2: not JSON" in page
    empty = SimpleUploadedFile("empty.txt", b" ")
    answer = client.post(f"{HERE}critique/prompts", {"file": empty})
    assert answer.status_code == 400


@pytest.mark.django_db(transaction=True)
def test_chains_are_listed_by_what_came_of_them_and_marked(cast: Cast) -> None:
    run = make_revision_run(cast.project, 3)
    chain = Chain.objects.filter(run=run)[0]
    Chain.objects.filter(pk=chain.pk).update(finding=Chain.Finding.REFUSES, refuses_now=True)
    page = f"{HERE}critique/{run.pk}/"
    client = as_user(cast.bob)

    def listed(query: str = "") -> int:
        return client.get(page + query).content.decode().count("/chains/")

    assert [listed(query) for query in ("", "?finding=revised", "?finding=refuses")] == [3, 2, 1]
    assert [listed(query) for query in ("?finding=new_refusal", "?finding=bad")] == [1, 0]
    mark = f"{page}chains/{chain.pk}/mark"
    client.post(mark, {"bad": "yes", "reason": " "})
    assert not Chain.objects.filter(bad=True).exists()
    client.post(mark, {"bad": "yes", "reason": "It refuses."})
    assert listed("?finding=bad") == 1
    shown = client.get(f"{page}chains/{chain.pk}/").content.decode()
    assert "It refuses." in shown
    assert "It lacks a please." in shown
    client.post(mark, {"bad": "no"})
    assert not Chain.objects.filter(bad=True).exists()
    part = client.get(page, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part


@pytest.mark.django_db(transaction=True)
def test_a_finished_run_is_frozen_into_an_sft_dataset(cast: Cast) -> None:
    run = make_revision_run(cast.project, 6)
    client = as_user(cast.dan)
    form = client.get(f"{HERE}datasets/sft?run={run.pk}").content.decode()
    assert f'value="{run.pk}"' in form
    assert "checked" in form
    fields = {
        "name": "sft",
        "runs": [run.pk],
        "revisions": "last",
        "judged": "on",
        "helpful_share": "0.5",
        "validation": "0",
        "test": "0",
        "seed": "0",
    }
    told = client.post(f"{HERE}datasets/sft", fields).content.decode()
    assert "Nothing has been frozen yet." in told
    assert not DatasetVersion.objects.exists()
    fields["small_split"] = "accept"
    answer = client.post(f"{HERE}datasets/sft", fields)

    dataset = DatasetVersion.objects.get()
    assert answer["Location"] == f"{HERE}datasets/{dataset.sha256}/"
    page = client.get(answer["Location"]).content.decode()
    assert f"Critique run {run.pk}" in page
    assert "please please" in page
    ModelVersion.objects.create(project=cast.project, name="base", kind="base")
    assert (
        'name="method" value="sft"'
        in client.get(f"{HERE}runs/new?dataset={dataset.pk}").content.decode()
    )
    assert client.post(f"{HERE}datasets/sft", {**fields, "runs": []}).status_code == 400
    assert client.post(f"{HERE}datasets/sft", {**fields, "validation": "0.9", "test": "0.5"})
    assert DatasetVersion.objects.count() == 1
