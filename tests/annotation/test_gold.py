"""Gold answers: two seniors agree or a third decides; nobody answers twice."""

from __future__ import annotations

from collections import Counter

import pytest
from django.utils import timezone

from annotation.errors import GoldError
from annotation.models import GoldAnswer, GoldPair
from annotation.selectors import next_pair_for_gold
from annotation.services import answer_gold, retire_gold
from annotation.services.gold import settle_imported, state_of
from tests.builders import make_pair, make_project, make_user

pytestmark = pytest.mark.django_db

State = GoldPair.State


@pytest.mark.parametrize(
    ("votes", "imported", "expected"),
    [
        ({"first": 1}, None, (State.PROPOSED, "")),
        ({"first": 2}, None, (State.SETTLED, "first")),
        ({"first": 1, "second": 1}, None, (State.CONTESTED, "")),
        ({"first": 2, "second": 1}, None, (State.SETTLED, "first")),
        ({"first": 2, "second": 2}, None, (State.CONTESTED, "")),
        ({"first": 1, "second": 1, "equal": 1}, None, (State.CONTESTED, "")),
        ({"first": 1}, "first", (State.SETTLED, "first")),
        ({"first": 1, "second": 1}, "first", (State.CONTESTED, "")),
        ({"first": 1, "second": 2}, "first", (State.SETTLED, "second")),
    ],
)
def test_the_state_follows_from_the_votes(
    votes: dict[str, int], imported: str | None, expected: tuple[str, str]
) -> None:
    assert state_of(Counter(votes), wanted=2, imported=imported) == expected


def test_one_senior_settles_nothing_two_do_and_their_notes_are_kept() -> None:
    pair = make_pair(make_project())
    bob, bea = make_user("bob"), make_user("bea")
    assert answer_gold(pair=pair, author=bob, choice="first", note="warm").state == State.PROPOSED
    with pytest.raises(GoldError, match="already answered this pair"):
        answer_gold(pair=pair, author=bob, choice="first")
    gold = answer_gold(pair=pair, author=bea, choice="first", note="kind")
    assert (gold.state, gold.choice, gold.note) == (State.SETTLED, "first", "warm\n\nkind")
    assert GoldAnswer.objects.count() == 2


def test_where_two_differ_a_third_decides() -> None:
    pair = make_pair(make_project())
    bob, bea, ben = (make_user(name) for name in ("bob", "bea", "ben"))
    answer_gold(pair=pair, author=bob, choice="first", note="warm")
    assert answer_gold(pair=pair, author=bea, choice="equal").state == State.CONTESTED
    gold = answer_gold(pair=pair, author=ben, choice="equal", note="the same")
    assert (gold.state, gold.choice, gold.note) == (State.SETTLED, "equal", "the same")


def test_a_senior_is_asked_first_where_they_help_most() -> None:
    project = make_project()
    pairs = [make_pair(project, number) for number in range(4)]
    bob, bea, ben = (make_user(name) for name in ("bob", "bea", "ben"))
    answer_gold(pair=pairs[0], author=bob, choice="first")
    answer_gold(pair=pairs[1], author=bob, choice="first")
    answer_gold(pair=pairs[1], author=bea, choice="second")
    assert next_pair_for_gold(project, ben) == pairs[1]
    assert next_pair_for_gold(project, bea) == pairs[0]
    assert next_pair_for_gold(project, bob) in pairs[2:]


def test_nothing_is_left_when_all_is_answered() -> None:
    project = make_project()
    bob = make_user("bob")
    assert next_pair_for_gold(project, bob) is None
    answer_gold(pair=make_pair(project), author=bob, choice="first")
    assert next_pair_for_gold(project, bob) is None


def test_a_retired_pair_takes_no_answer() -> None:
    pair = make_pair(make_project())
    gold = answer_gold(pair=pair, author=make_user("bob"), choice="first")
    retire_gold(gold=gold)
    with pytest.raises(GoldError, match="retired"):
        answer_gold(pair=pair, author=make_user("bea"), choice="first")
    with pytest.raises(GoldError, match="already been retired"):
        retire_gold(gold=gold)


@pytest.mark.parametrize("choice", ["left", "", "FIRST"])
def test_a_choice_that_is_none_is_refused(choice: str) -> None:
    with pytest.raises(GoldError, match="first, second, equal, both_bad"):
        answer_gold(pair=make_pair(make_project()), author=make_user("bob"), choice=choice)
    assert not GoldPair.objects.exists()


def test_imported_answers_settle_once() -> None:
    pair = make_pair(make_project())
    GoldAnswer.objects.create(pair=pair, choice="second")
    assert settle_imported(pairs=[pair], now=timezone.now()) == 1
    assert settle_imported(pairs=[pair], now=timezone.now()) == 0
    assert GoldPair.objects.get().choice == "second"
