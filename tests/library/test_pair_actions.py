"""What is done with pairs that were picked: taken out of use, put back, asked about, used."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from annotation.errors import InvalidLabelError
from annotation.models import Adjudication, Choice, Slot
from annotation.services import (
    ask_for_labels,
    bring_back,
    claim_next_slot,
    restore_pairs,
    set_aside,
    withdraw_pairs,
)
from corpus.errors import PairSetError
from corpus.models import Pair, PairSet
from corpus.pair_sets import pick_pairs
from exports.errors import BadFilterError
from exports.services import FreezeFilters, freeze
from judging.budget.triage import send_to_raters, triage
from judging.errors import UnknownSelectionError
from judging.models import JudgeRun
from judging.runs.estimate import estimate_run
from judging.selectors import PairSelection, pairs_to_judge
from judging.services import launch_judge_run
from library.pairs.filters import PairFilter
from tests.builders import Cast, make_cast, make_label, make_pair, make_rater, rater_for
from tests.judging.judges import by_number, make_judge, run_judge

pytestmark = pytest.mark.django_db

HOME = "/projects/harbour/pairs/"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def states(pair: Pair) -> list[str]:
    return sorted(pair.slots.filter(purpose__in=Slot.SHARED).values_list("state", flat=True))


def said(client: Client) -> str:
    """The messages of the page that comes next."""
    return " ".join(client.get(HOME).content.decode().split())


# --- Withdrawing and restoring


def test_a_withdrawn_pair_is_labelled_judged_and_frozen_no_more(cast: Cast) -> None:
    pair, other = make_pair(cast.project, 1, slots=2), make_pair(cast.project, 2)
    for one in (pair, other):
        make_label(one, make_rater(cast.project, f"ann {one.pk}"))

    assert withdraw_pairs(project=cast.project, pairs=[pair.pk]) == 1
    assert withdraw_pairs(project=cast.project, pairs=[pair.pk]) == 0

    pair.refresh_from_db()
    assert pair.held_back == Pair.HeldBack.WITHDRAWN
    assert states(pair) == ["void", "void"]
    assert claim_next_slot(rater=rater_for(cast.alice, cast.project)) is None
    assert list(pairs_to_judge(make_judge(cast.project), PairSelection(which="all"))) == [other]
    dataset = freeze(project=cast.project, name="d", filters=FreezeFilters(validation=0, test=0))
    assert dataset.manifest["dropped"] == {"held_back_withdrawn": 1}
    assert pair.labels.count() == 1


def test_restoring_asks_again_for_what_was_asked(cast: Cast) -> None:
    pair = make_pair(cast.project, 1, slots=3)
    slot = claim_next_slot(rater=rater_for(cast.alice, cast.project))
    assert slot is not None
    withdraw_pairs(project=cast.project, pairs=[pair.pk])
    assert states(pair) == ["leased", "void", "void"]

    assert restore_pairs(project=cast.project, pairs=[pair.pk]) == 1
    assert restore_pairs(project=cast.project, pairs=[pair.pk]) == 0

    pair.refresh_from_db()
    assert pair.held_back == ""
    assert states(pair) == ["leased", "open", "open"]


def test_setting_aside_bringing_back_withdrawing_and_restoring_leave_a_pair_as_it_was(
    cast: Cast,
) -> None:
    pair = make_pair(cast.project, 1, slots=2)
    row = Adjudication.objects.create(project=cast.project, pair=pair, reason="flag")
    senior = rater_for(cast.bob, cast.project)
    for _ in range(3):
        set_aside(adjudication=row, rater=senior)
        assert withdraw_pairs(project=cast.project, pairs=[pair.pk]) == 0
        assert restore_pairs(project=cast.project, pairs=[pair.pk]) == 0
        row = bring_back(adjudication=row, rater=senior)
        withdraw_pairs(project=cast.project, pairs=[pair.pk])
        restore_pairs(project=cast.project, pairs=[pair.pk])
    assert states(pair) == ["open", "open"]


def test_pairs_of_another_project_are_left_alone(cast: Cast) -> None:
    theirs = make_pair(cast.elsewhere, 1, slots=1)
    assert withdraw_pairs(project=cast.project, pairs=[theirs.pk]) == 0
    assert ask_for_labels(project=cast.project, pairs=[theirs.pk], more=2).labels == 0
    with pytest.raises(PairSetError, match=f"There is no pair {theirs.pk} in this project"):
        pick_pairs(project=cast.project, pairs=[theirs.pk])
    assert states(theirs) == ["open"]


# --- Asking for more labels


def test_a_finished_pair_goes_to_raters_who_have_not_had_it(cast: Cast) -> None:
    alice, bob = (rater_for(user, cast.project) for user in (cast.alice, cast.bob))
    pair = make_pair(cast.project, 1, slots=1)
    Slot.objects.filter(pair=pair).update(state=Slot.State.DONE, rater=alice)
    make_label(pair, alice)

    done = ask_for_labels(project=cast.project, pairs=[pair.pk], more=2)

    assert (done.pairs, done.labels, done.waiting, done.held_back) == (1, 2, 0, 0)
    assert states(pair) == ["done", "open", "open"]
    made = pair.slots.filter(state=Slot.State.OPEN).values_list("purpose", flat=True)
    assert set(made) == {Slot.Purpose.OVERLAP}
    assert claim_next_slot(rater=alice) is None
    offered = claim_next_slot(rater=bob)
    assert offered is not None
    assert offered.pair == pair


def test_asking_twice_is_asking_once_and_asking_for_more_adds_what_lacks(cast: Cast) -> None:
    pair, held = make_pair(cast.project, 1), make_pair(cast.project, 2)
    withdraw_pairs(project=cast.project, pairs=[held.pk])
    both = [pair.pk, held.pk, pair.pk]
    first = ask_for_labels(project=cast.project, pairs=both, more=2)
    assert (first.pairs, first.labels, first.held_back) == (1, 2, 1)
    purposes = pair.slots.order_by("pk").values_list("purpose", flat=True)
    assert list(purposes) == [Slot.Purpose.PRODUCTION, Slot.Purpose.OVERLAP]
    again = ask_for_labels(project=cast.project, pairs=both, more=2)
    assert (again.pairs, again.labels, again.waiting) == (0, 0, 1)
    assert ask_for_labels(project=cast.project, pairs=both, more=3).labels == 1
    assert states(pair) == ["open"] * 3


@pytest.mark.parametrize("more", [0, -1, 21])
def test_a_number_that_is_none_to_ask_for_is_refused(cast: Cast, more: int) -> None:
    with pytest.raises(InvalidLabelError, match="it must be from 1 to 20"):
        ask_for_labels(project=cast.project, pairs=[make_pair(cast.project).pk], more=more)


@pytest.mark.django_db(transaction=True)
def test_two_who_act_on_the_same_pairs_at_once_act_once(cast: Cast) -> None:
    """On SQLite they wait for the database, on PostgreSQL for the pairs."""
    pairs = [make_pair(cast.project, number, slots=0) for number in range(30)]
    ids = [pair.pk for pair in pairs]
    for act, wanted in (
        (lambda order: ask_for_labels(project=cast.project, pairs=order, more=2), 60),
        (lambda order: withdraw_pairs(project=cast.project, pairs=order), 0),
        (lambda order: restore_pairs(project=cast.project, pairs=order), 60),
    ):
        at_once(act, [ids, ids[::-1], ids, ids[::-1]])
        assert Slot.objects.filter(state=Slot.State.OPEN).count() == wanted
    sets: list[PairSet] = []
    at_once(lambda order: sets.append(pick_pairs(project=cast.project, pairs=order)), [ids] * 4)
    assert len({one.pk for one in sets}) == 1
    assert sets[0].pairs.count() == 30


def at_once(act: Callable[[list[int]], object], orders: list[list[int]]) -> None:
    faults: list[BaseException] = []
    together = threading.Barrier(len(orders))

    def run(order: list[int]) -> None:
        try:
            together.wait()
            act(order)
        except BaseException as error:  # noqa: BLE001  # told below, in the test's own thread
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[order]) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


# --- Picking


def test_a_set_is_known_by_its_pairs_and_made_once(cast: Cast) -> None:
    one, two, three = (make_pair(cast.project, number) for number in range(3))
    made = pick_pairs(project=cast.project, pairs=[two.pk, one.pk], created_by=cast.dan)
    assert pick_pairs(project=cast.project, pairs=[one.pk, two.pk, one.pk]) == made
    assert pick_pairs(project=cast.project, pairs=[one.pk, three.pk]) != made
    assert set(made.pairs.all()) == {one, two}
    assert made.size == 2
    found = PairFilter(picked=made.sha256).pairs(cast.project)
    assert set(found) == {one, two}


def test_no_pairs_are_no_set(cast: Cast) -> None:
    with pytest.raises(PairSetError, match="No pairs are selected"):
        pick_pairs(project=cast.project, pairs=[])


def test_a_dataset_of_picked_pairs_names_them_in_its_manifest(cast: Cast) -> None:
    rater = make_rater(cast.project, "ann")
    pairs = [make_pair(cast.project, number) for number in range(4)]
    for pair in pairs:
        make_label(pair, rater, Choice.FIRST)
    picked = pick_pairs(
        project=cast.project,
        pairs=[pairs[0].pk, pairs[2].pk],
        picked_by={"all": True, "domain": "law"},
    )
    filters = FreezeFilters(picked=picked.sha256, validation=0, test=0)
    dataset = freeze(project=cast.project, name="d", filters=filters)

    assert dataset.manifest["splits"]["train"]["rows"] == 2
    assert dataset.manifest["filters"]["picked"] == picked.sha256
    assert dataset.manifest["picked"] == {
        "sha256": picked.sha256,
        "pairs": 2,
        "filter": {"all": True, "domain": "law"},
    }
    make_label(make_pair(cast.project, 9), rater)
    assert freeze(project=cast.project, name="d", filters=filters) == dataset
    with pytest.raises(BadFilterError, match="has no picked pairs"):
        freeze(project=cast.project, name="e", filters=FreezeFilters(picked="0" * 64))


def test_a_judge_run_and_triage_take_picked_pairs_alone(cast: Cast) -> None:
    pairs = [make_pair(cast.project, number) for number in range(4)]
    picked = pick_pairs(project=cast.project, pairs=[pairs[1].pk, pairs[3].pk])
    config = make_judge(cast.project)
    selection = PairSelection(which="all", picked=picked.sha256)
    assert list(pairs_to_judge(config, selection)) == [pairs[1], pairs[3]]
    assert estimate_run(config, selection).pairs == 2
    for ask in (
        lambda nowhere: estimate_run(config, nowhere),
        lambda nowhere: launch_judge_run(
            project=cast.project, config=config, selection=nowhere, start=False
        ),
    ):
        with pytest.raises(UnknownSelectionError, match="has no picked pairs"):
            ask(PairSelection(picked="0" * 64))

    run_judge(config, by_number(lambda _: 0.55), "all")
    assert triage(config).unsure == 4
    assert triage(config, picked=picked).unsure == 2
    assert send_to_raters(config=config, picked=picked) == 2
    assert set(Slot.objects.values_list("pair", flat=True)) == {pairs[1].pk, pairs[3].pk}


# --- The pages


@pytest.mark.parametrize(
    ("who", "withdraw", "ask", "pick"),
    [
        ("alice", 403, 403, 403),
        ("bob", 302, 302, 403),
        ("carol", 302, 302, 302),
        ("dan", 403, 302, 302),
        ("charlie", 404, 404, 404),
    ],
)
def test_each_role_does_what_it_may(
    client: Client, cast: Cast, who: str, withdraw: int, ask: int, pick: int
) -> None:
    pair = make_pair(cast.project, 1)
    client.force_login(User.objects.get(username=who))
    body = {"pair": [pair.pk], "more": 1, "to": "dataset"}
    answers = [
        client.post(HOME + path, body).status_code
        for path in ("withdraw", "restore", "ask", "pick")
    ]
    assert answers == [withdraw, withdraw, ask, pick]
    shown = client.get(f"{HOME}chosen/?pair={pair.pk}")
    if shown.status_code == 200:
        html = shown.content.decode()
        assert ("Withdraw 1 pair" in html) == (withdraw == 302)
        assert ("New dataset" in html) == (pick == 302)


def test_what_is_chosen_is_counted_before_anything_is_done(client: Client, cast: Cast) -> None:
    client.force_login(cast.carol)
    for number in range(5):
        pair = make_pair(cast.project, number)
        pair.prompt.domain = "law" if number < 3 else "code"
        pair.prompt.save()
    shown = client.get(f"{HOME}chosen/?all=1&domain=law").content.decode()
    assert "3 selected pairs" in shown
    assert "Domain: law" in shown
    assert 'name="seen" value="3"' in shown
    assert "All pairs of this project" in client.get(f"{HOME}chosen/?all=1").content.decode()
    assert "No pairs are selected" in client.get(f"{HOME}chosen/").content.decode()

    answer = client.post(f"{HOME}withdraw", {"all": 1, "domain": "law", "seen": 3})
    assert answer["Location"] == f"{HOME}?domain=law"
    assert "3 pairs withdrawn." in said(client)
    assert Pair.objects.filter(held_back="withdrawn").count() == 3


@pytest.mark.parametrize("seen", ["2", "", "x"])
def test_nothing_is_done_with_pairs_that_came_after_the_count(
    client: Client, cast: Cast, seen: str
) -> None:
    client.force_login(cast.carol)
    for number in range(3):
        make_pair(cast.project, number)
    client.post(f"{HOME}withdraw", {"all": 1, "seen": seen})
    assert "3 pairs match now instead of" in said(client)
    assert not Pair.objects.exclude(held_back="").exists()


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("ask", {"more": "many"}, "“many” is no number of labels to ask for: enter 1 to 20."),
        ("ask", {"more": "21"}, "“21” is no number of labels"),
        ("ask", {"more": "00000000199"}, "“00000000199” is no number of labels"),
        ("ask", {"more": "0000000019" + "9" * 5000}, "is no number of labels"),
        ("ask", {"more": "1", "pair": "9" * 5000}, "No pairs are selected."),
        ("ask", {}, "“” is no number"),
        ("pick", {"to": "the moon"}, "Choose where the pairs are to be used."),
        ("withdraw", {"pair": ["x", "-1", "9" * 30]}, "No pairs are selected."),
        ("withdraw", {"pair": []}, "No pairs are selected."),
        ("withdraw", {"all": 1, "state": "nonsense"}, "The filter cannot be read"),
        ("restore", {"pair": list(range(501))}, "501 pairs are ticked; the limit is 500."),
    ],
)
def test_what_cannot_be_done_is_told(
    client: Client, cast: Cast, path: str, body: dict[str, object], words: str
) -> None:
    pair = make_pair(cast.project, 1)
    client.force_login(cast.carol)
    client.post(HOME + path, {"pair": [pair.pk], **body})
    assert words in said(client)
    pair.refresh_from_db()
    assert pair.held_back == ""
    assert states(pair) == []


@pytest.mark.parametrize(
    ("to", "path", "words"),
    [
        ("dataset", "datasets/", "Only these picked pairs"),
        ("judge", "judge/new", "New judge run"),
        ("triage", "judge/triage/", "Only the 2 picked pairs count on this page"),
    ],
)
def test_picked_pairs_are_opened_in_the_forms_that_use_them(
    client: Client, cast: Cast, to: str, path: str, words: str
) -> None:
    pairs = [make_pair(cast.project, number) for number in range(3)]
    run_judge(make_judge(cast.project), by_number(lambda _: 0.5))
    client.force_login(cast.dan)
    body = {"pair": [pairs[0].pk, pairs[2].pk], "to": to}
    answer = client.post(f"{HOME}pick", body, follow=True)
    shown = " ".join(answer.content.decode().split())
    picked = PairSet.objects.get()
    assert answer.request["PATH_INFO"] == f"/projects/harbour/{path}"
    assert words in shown
    assert f"picked={picked.sha256}" in answer.request["QUERY_STRING"]
    assert picked.created_by == cast.dan


def test_a_dataset_is_frozen_from_the_form_that_picked_pairs_open(
    client: Client, cast: Cast
) -> None:
    rater = make_rater(cast.project, "ann")
    pairs = [make_pair(cast.project, number) for number in range(3)]
    for pair in pairs:
        make_label(pair, rater)
    picked = pick_pairs(project=cast.project, pairs=[pairs[0].pk])
    client.force_login(cast.dan)
    body = {
        "name": "few",
        "raters": "both",
        "consensus": "mean",
        "min_labels": 1,
        "tie_band": 0.05,
        "validation": 0,
        "test": 0,
        "seed": 0,
        "small_split": "accept",
    }
    client.post("/projects/harbour/datasets/freeze", {**body, "picked": picked.sha256})
    shown = client.get("/projects/harbour/datasets/").content.decode()
    assert "few v1" in shown
    nowhere = client.post("/projects/harbour/datasets/freeze", {**body, "picked": "0" * 64})
    assert nowhere.status_code == 400
    assert "has no picked pairs" in nowhere.content.decode()
    assert JudgeRun.objects.count() == 0


def test_the_page_of_a_pair_withdraws_and_restores_it(client: Client, cast: Cast) -> None:
    pair = make_pair(cast.project, 1, slots=1)
    client.force_login(cast.bob)
    answer = client.post(f"{HOME}withdraw", {"pair": pair.pk}, follow=True)
    assert answer.request["PATH_INFO"] == f"{HOME}{pair.pk}/"
    assert "1 pair withdrawn." in answer.content.decode()
    assert "held back: withdrawn" in answer.content.decode()
    answer = client.post(f"{HOME}restore", {"pair": pair.pk}, follow=True)
    assert "waiting for labels" in answer.content.decode()


def test_picked_pairs_of_another_project_are_nowhere(client: Client, cast: Cast) -> None:
    theirs = pick_pairs(project=cast.elsewhere, pairs=[make_pair(cast.elsewhere, 1).pk])
    make_pair(cast.project, 1)
    run_judge(make_judge(cast.project), by_number(lambda _: 0.5))
    client.force_login(cast.dan)
    assert client.get(f"/projects/harbour/judge/triage/?picked={theirs.sha256}").status_code == 404
    assert PairFilter(picked=theirs.sha256).pairs(cast.project).count() == 0
