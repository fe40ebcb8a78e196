"""Pages of quality control: what they show to whom, empty and full, and what they refuse."""

from __future__ import annotations

import pytest
from django.test import Client

from annotation.models import Adjudication, GoldPair, Label, QualityPolicy, Rater, Slot
from annotation.queue.task_names import task_name
from annotation.services import find_adjudications, publish_guideline, set_policy
from corpus.models import IntakePolicy, IntakeScan, Pair
from exports.models import DatasetVersion
from tests.annotation.workshop import make_gold, work
from tests.builders import Cast, make_cast, make_label, make_pair, make_rater, rater_for
from tests.web.hostile import HOSTILE

pytestmark = pytest.mark.django_db

HERE = "/projects/harbour/"
PAGES = (
    *("raters/", "agreement/", "coverage/", "gold/", "adjudication/", "guideline/", "intake/"),
    *("quality/", "mine/", "invitations/"),
)


@pytest.fixture
def cast(client: Client) -> Cast:
    cast = make_cast()
    client.force_login(cast.carol)
    return cast


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_an_empty_project(client: Client, cast: Cast, page: str) -> None:
    assert client.get(HERE + page).status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_ugly_data_harmlessly(client: Client, cast: Cast, page: str) -> None:
    ugly = "<script>alert(1)</script>" + "W" * 300
    raters = [make_rater(cast.project, f"{name} {ugly}"[:200]) for name in ("one", "two")]
    for number, text in enumerate(HOSTILE):
        pair = make_pair(cast.project, number, prompt=f"{number} {text}", first=text, slots=1)
        make_label(pair, raters[0], "first")
        make_label(pair, raters[1], "second")
    make_gold(cast.project, 3)
    find_adjudications(project=cast.project)
    publish_guideline(project=cast.project, text="\n".join(HOSTILE))
    body = client.get(HERE + page).content.decode()
    assert "<script>alert" not in body
    assert client.get(HERE + page + "?page=99&state=x&by=x&reason=x").status_code == 200


def test_raters_see_their_own_figures_and_nobody_elses(client: Client, cast: Cast) -> None:
    client.force_login(cast.alice)
    assert client.get(HERE + "mine/").status_code == 200
    for page in PAGES:
        if page != "mine/":
            assert client.get(HERE + page).status_code == 403, page


def test_the_policy_is_stored_from_the_page_and_refused_with_the_reason(
    client: Client, cast: Cast
) -> None:
    page = client.get(HERE + "quality/")
    fields = {name: field.initial for name, field in page.context["form"].fields.items()}
    fields |= page.context["form"].initial | {"criteria": "helpful: Helpful\nharmless: Harmless"}
    fields = {
        name: value for name, value in fields.items() if value is not None and value is not False
    }
    assert client.post(HERE + "quality/", fields).status_code == 302
    assert [axis["key"] for axis in QualityPolicy.objects.get().criteria] == ["helpful", "harmless"]
    for changes, words in (
        ({"gold_share": 0.9, "repeat_share": 0.2}, "add up to 1.1"),
        ({"kappa_floor": 0.9}, "sent straight back to calibration"),
        ({"criteria": "no colon here"}, "write it as “key: name”"),
        ({"calibration_pairs": ""}, "required"),
    ):
        answer = client.post(HERE + "quality/", fields | changes)
        assert answer.status_code == 400
        assert words in answer.content.decode()
    assert QualityPolicy.objects.get().gold_share == 0.1


def test_a_senior_reads_the_policy_and_does_not_change_it(client: Client, cast: Cast) -> None:
    client.force_login(cast.bob)
    assert client.get(HERE + "quality/").status_code == 200
    client.post(HERE + "quality/", {"gold_share": 0.3})
    assert not QualityPolicy.objects.exists()
    client.post(HERE + "intake/", {"identity": "off"})
    assert not IntakePolicy.objects.exists()


def test_an_admin_suspends_with_a_reason_and_reinstates(client: Client, cast: Cast) -> None:
    alice = rater_for(cast.alice, cast.project)
    address = f"{HERE}raters/{alice.pk}/"
    assert client.post(address + "suspend", {"reason": " "}).status_code == 400
    assert client.post(address + "suspend", {"reason": "Too fast."}).status_code == 302
    alice.refresh_from_db()
    assert (alice.status, alice.status_reason) == (Rater.Status.SUSPENDED, "Too fast.")
    assert "Too fast." in client.get(address).content.decode()
    told = Client()
    told.force_login(cast.alice)
    answer = told.get(HERE + "label/")
    assert answer.status_code == 200
    assert "You are suspended from labelling in this project" in answer.content.decode()
    assert "Too fast." in answer.content.decode()
    assert told.get(HERE + "label/next").status_code == 403
    assert told.post(HERE + "label/submit").status_code == 403
    assert client.post(address + "reinstate", {"reason": "Sorted out."}).status_code == 302
    assert told.get(HERE + "label/").status_code == 200


def test_a_member_is_removed_but_not_by_themself(client: Client, cast: Cast) -> None:
    carol, alice = (rater_for(user, cast.project) for user in (cast.carol, cast.alice))
    client.post(f"{HERE}raters/{carol.pk}/remove")
    assert client.get(HERE).status_code == 200
    client.post(f"{HERE}raters/{alice.pk}/remove")
    told = Client()
    told.force_login(cast.alice)
    assert told.get(HERE + "label/").status_code == 404


def test_two_seniors_settle_a_gold_pair_on_its_page(client: Client, cast: Cast) -> None:
    pair = make_pair(cast.project)
    for user, state in ((cast.bob, "proposed"), (cast.carol, "settled")):
        client.force_login(user)
        there = client.get(HERE + "gold/next")
        assert there["Location"].endswith(f"/gold/{pair.pk}/")
        assert client.post(there["Location"], {"choice": "equal", "note": "n"}).status_code == 302
        assert GoldPair.objects.get().state == state
    again = client.post(f"{HERE}gold/{pair.pk}/", {"choice": "equal"})
    assert again.status_code == 409
    assert "already answered this pair" in again.content.decode()
    assert client.post(f"{HERE}gold/{pair.pk}/", {"choice": "up"}).status_code == 400


def test_a_senior_who_opens_a_gold_pair_again_sees_their_own_answer(
    client: Client, cast: Cast
) -> None:
    pairs = [make_pair(cast.project, number) for number in range(8)]
    for number, pair in enumerate(pairs):
        pressed, words = [("left", "A is better"), ("right", "B is better")][number % 2]
        client.force_login(cast.bob)
        client.post(f"{HERE}gold/{pair.pk}/", {"choice": pressed, "note": "It is *kind*."})

        again = client.get(f"{HERE}gold/{pair.pk}/").content.decode()
        client.force_login(cast.carol)
        other = client.get(f"{HERE}gold/{pair.pk}/").content.decode()

        assert f"Your answer: <strong>{words}</strong>" in again
        assert "<em>kind</em>" in again
        assert "data-decide" not in again
        assert "kind" not in other
        assert "data-decide" in other


def test_a_gold_pair_that_is_left_for_now_comes_again_after_the_others(
    client: Client, cast: Cast
) -> None:
    pairs = [make_pair(cast.project, number) for number in range(3)]
    client.force_login(cast.carol)
    for pair in pairs[:2]:
        client.post(f"{HERE}gold/{pair.pk}/", {"choice": "equal"})
    client.force_login(cast.bob)

    def following(pair: Pair) -> str:
        return client.get(f"{HERE}gold/next", {"after": pair.pk})["Location"]

    for left, then in zip(pairs, pairs[1:] + pairs[:1], strict=True):
        assert following(left).endswith(f"/gold/{then.pk}/")
    assert client.get(f"{HERE}gold/next", {"after": "x"}).status_code == 302


def test_a_senior_decides_and_is_taken_to_the_next(client: Client, cast: Cast) -> None:
    for number in range(2):
        pair = make_pair(cast.project, number)
        for name, choice in (("a", "first"), ("b", "second")):
            make_label(pair, make_rater(cast.project, f"{name}{number}"), choice)
    find_adjudications(project=cast.project)
    one, two = Adjudication.objects.order_by("id")
    client.force_login(cast.bob)
    answer = client.post(f"{HERE}adjudication/{one.pk}/", {"action": "decide", "choice": "equal"})
    assert answer["Location"].endswith(f"/adjudication/{two.pk}/")
    assert Label.objects.get(kind="adjudication").choice == "equal"
    assert client.post(f"{HERE}adjudication/{one.pk}/", {"action": "dismiss"}).status_code == 409
    assert client.post(f"{HERE}adjudication/{two.pk}/", {"action": "nonsense"}).status_code == 400
    form = {"action": ["decide", "set_aside"]}
    assert client.post(f"{HERE}adjudication/{two.pk}/", form).status_code == 302
    two.refresh_from_db()
    assert two.state == "set_aside", "the pressed button speaks, not the hidden field"


def test_a_changed_guideline_is_acknowledged_before_the_next_task(
    client: Client, cast: Cast
) -> None:
    make_pair(cast.project, slots=1)
    client.post(HERE + "guideline/publish", {"text": "Be **fair**."})
    client.force_login(cast.alice)
    page = client.get(HERE + "label/").content.decode()
    assert "data-unread" in page
    assert "<strong>fair</strong>" in page
    assert not Slot.objects.filter(state="leased").exists()
    assert client.post(HERE + "label/acknowledge", {"number": "7"}).status_code == 409
    assert client.post(HERE + "label/acknowledge", {"number": "1"}).status_code == 302
    assert "data-task" in client.get(HERE + "label/").content.decode()


def test_calibration_shows_why_an_answer_was_wrong(client: Client, cast: Cast) -> None:
    set_policy(project=cast.project, changes={"calibration_pairs": 20})
    make_gold(cast.project, 30)
    alice = rater_for(cast.alice, cast.project)
    Rater.objects.filter(pk=alice.pk).update(status=Rater.Status.ONBOARDING)
    client.force_login(cast.alice)
    assert "Calibration, attempt 1 of 2: 0 done" in client.get(HERE + "label/").content.decode()
    slot = Slot.objects.get(state="leased")
    gold = GoldPair.objects.get(pair=slot.pair_id)
    pressed = "equal" if gold.choice != "equal" else "both_bad"
    fields = {"task": str(task_name(slot.pk)), "lease": str(slot.lease), "choice": pressed}
    card = client.post(HERE + "label/submit", fields).content.decode()
    assert 'data-feedback="wrong"' in card
    assert gold.note in card
    work(alice, 19)
    assert "data-feedback" not in client.get(HERE + "label/").content.decode()


def test_the_answer_that_ends_calibration_shows_its_feedback_before_what_follows(
    client: Client, cast: Cast
) -> None:
    changes = {"calibration_pairs": 8, "min_labels": 8, "calibration_tries": 1}
    set_policy(project=cast.project, changes=changes)
    make_gold(cast.project, 10)
    alice = rater_for(cast.alice, cast.project)
    Rater.objects.filter(pk=alice.pk).update(status=Rater.Status.ONBOARDING)
    client.force_login(cast.alice)
    part = {"HX-Request": "true"}
    for _ in range(8):
        assert "data-task" in client.get(HERE + "label/", headers=part).content.decode()
        slot = Slot.objects.get(state="leased")
        choice = GoldPair.objects.get(pair=slot.pair_id).choice
        pressed = "equal" if choice != "equal" else "both_bad"
        fields = {"task": str(task_name(slot.pk)), "lease": str(slot.lease), "choice": pressed}
        card = client.post(HERE + "label/submit", fields, headers=part).content.decode()
        assert 'data-feedback="wrong"' in card
        assert "data-task" not in card
        assert not Slot.objects.filter(state="leased").exists()
    alice.refresh_from_db()
    assert alice.status == Rater.Status.SUSPENDED
    after = client.get(HERE + "label/", headers=part).content.decode()
    assert "You are suspended from labelling in this project" in after
    assert "data-task" not in after
    assert client.post(HERE + "label/submit", headers=part).status_code == 403


def test_the_next_task_comes_ahead_of_time_and_the_label_answers_briefly(
    client: Client, cast: Cast
) -> None:
    for number in range(3):
        make_pair(cast.project, number, slots=1)
    client.force_login(cast.alice)
    client.get(HERE + "label/")
    slot = Slot.objects.get(state="leased")
    name = str(task_name(slot.pk))
    ahead = client.get(HERE + "label/next", {"besides": name})
    assert ahead.status_code == 200
    assert name not in ahead.content.decode()
    fields = {"task": name, "lease": str(slot.lease), "choice": "left", "ahead": "1"}
    stored = client.post(HERE + "label/submit", fields)
    assert stored.json() == {"bar": {"percent": 33, "words": "1 done · 2 left"}}
    again = client.post(HERE + "label/submit", fields)
    assert (again.status_code, again.json()["code"]) == (409, "already_labelled")
    assert client.get(HERE + "label/next", {"besides": "nonsense"}).status_code == 204
    client.post(HERE + "label/pause")
    assert not Slot.objects.filter(state="leased").exists()


def test_a_rater_leads_to_the_datasets_with_their_labels(client: Client, cast: Cast) -> None:
    alice = rater_for(cast.alice, cast.project)
    for name, raters in (("hers", [{"name": "alice", "kind": "human"}]), ("others", [])):
        DatasetVersion.objects.create(
            project=cast.project,
            name=name,
            number=1,
            sha256=("a" if raters else "b") * 64,
            manifest={"labels": {"raters": raters}},
        )
    page = client.get(f"{HERE}raters/{alice.pk}/lineage").content.decode()
    assert "hers v1" in page
    assert "others v1" not in page


def test_intake_rules_are_stored_and_start_their_pass(client: Client, cast: Cast) -> None:
    fields = {
        "duplicates": "one",
        "duplicate_threshold": "0.7",
        "identity": "mask",
        "identity_terms": "",
    }
    assert client.post(HERE + "intake/", fields).status_code == 302
    assert IntakeScan.objects.get().kind == "duplicates"
    wrong = client.post(HERE + "intake/", fields | {"duplicate_threshold": "3"})
    assert wrong.status_code == 400
    client.post(HERE + "intake/scan", {"kind": "nonsense"})
    client.post(HERE + "intake/scan", {"kind": "identity"})
    assert IntakeScan.objects.count() == 2


def test_a_version_of_the_guideline_is_opened_and_compared(client: Client, cast: Cast) -> None:
    publish_guideline(project=cast.project, text="Be fair.")
    publish_guideline(project=cast.project, text="Be fair and **kind**.")
    client.force_login(cast.bob)
    assert f'href="{HERE}guideline/1/"' in client.get(HERE + "guideline/").content.decode()

    newest = client.get(HERE + "guideline/2/").content.decode()
    assert "<strong>kind</strong>" in newest
    assert ">current<" in newest
    beside = client.get(HERE + "guideline/1/?with=2").content.decode()
    assert "data-before>Be fair and **kind**.<" in beside
    assert "data-after>Be fair.<" in beside
    assert "data-diff" not in client.get(HERE + "guideline/1/?with=9").content.decode()
    assert client.get(HERE + "guideline/3/").status_code == 404
    client.force_login(cast.alice)
    assert client.get(HERE + "guideline/1/").status_code == 403
