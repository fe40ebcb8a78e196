"""The list of pairs: who sees it, in which order, by which filters, and what it finds."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from annotation.models import Adjudication, Choice, GoldPair, Label, Rater, Slot
from annotation.services import claim_next_slot
from corpus.models import Import, Pair, Project
from corpus.search import MOST_WORDS, index_words, with_words, words_of
from library.pairs.filters import PairFilter
from library.pairs.rows import page_of
from library.pairs.states import Agreement, State, standings_of
from tests.builders import (
    Cast,
    make_cast,
    make_gold,
    make_label,
    make_pair,
    make_rater,
    rater_for,
)
from tests.web.hostile import HOSTILE

pytestmark = pytest.mark.django_db

HOME = "/projects/harbour/pairs/"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def ids(project: Project, **wanted: Any) -> list[int]:
    """The numbers of the pairs that a filter finds, as make_pair was given them."""
    pairs = PairFilter(**wanted).pairs(project).order_by("pk").select_related("prompt")
    return [int(pair.prompt.messages[0]["content"].split()[1].rstrip("?")) for pair in pairs]


def page(client: Client, query: str = "", status: int = 200) -> str:
    answer = client.get(HOME + query)
    assert answer.status_code == status
    return " ".join(answer.content.decode().split())


@pytest.mark.parametrize(
    ("who", "status"),
    [("alice", 403), ("bob", 200), ("carol", 200), ("dan", 200), ("charlie", 404)],
)
def test_readers_see_the_list_and_nobody_else(
    client: Client, cast: Cast, who: str, status: int
) -> None:
    make_pair(cast.project, 1)
    client.force_login(User.objects.get(username=who))
    assert client.get(HOME).status_code == status
    assert client.get(f"{HOME}chosen/?all=1").status_code == status


def test_a_row_tells_how_its_pair_stands(client: Client, cast: Cast) -> None:
    client.force_login(cast.dan)
    source = Import.objects.create(project=cast.project, name="morning.jsonl")
    pair = make_pair(cast.project, 1, slots=2)
    Pair.objects.update(source_import=source, external_id="row-17")
    for name in ("ann", "ben"):
        make_label(pair, make_rater(cast.project, name), Choice.FIRST)
    shown = page(client)
    for text in (
        *("Question 1?", "First answer 1.", "Second answer 1.", "waiting for labels", "2 labels"),
        *("raters agree", "import", "morning.jsonl", "row-17", "1 pair"),
    ):
        assert text in shown
    assert f'href="{HOME}{pair.pk}/"' in shown


def test_pairs_come_newest_first_and_those_added_meanwhile_move_nothing(cast: Cast) -> None:
    for number in range(7):
        make_pair(cast.project, number)
    everything = PairFilter().pairs(cast.project)
    pages = [page_of(cast.project, everything, size=3)]
    for number in range(7, 12):
        make_pair(cast.project, number)
    while pages[-1].older is not None:
        pages.append(page_of(cast.project, everything, before=pages[-1].older, size=3))
    shown = [row.prompt for one in pages for row in one.rows]
    assert shown == [f"Question {number}?" for number in range(6, -1, -1)]

    back = page_of(cast.project, everything, after=pages[1].rows[0].pair.pk, size=3)
    assert [row.prompt for row in back.rows] == [f"Question {n}?" for n in (6, 5, 4)]
    newer = page_of(cast.project, everything, after=back.newer, size=3)
    assert [row.prompt for row in newer.rows] == [f"Question {n}?" for n in (9, 8, 7)]


def test_a_deleted_pair_leaves_the_pages_after_it_as_they_were(cast: Cast) -> None:
    pairs = [make_pair(cast.project, number) for number in range(6)]
    first = page_of(cast.project, PairFilter().pairs(cast.project), size=3)
    pairs[4].delete()
    assert first.older is not None
    second = page_of(cast.project, PairFilter().pairs(cast.project), before=first.older, size=3)
    assert [row.prompt for row in second.rows] == [f"Question {n}?" for n in (2, 1, 0)]


def test_a_page_asks_as_many_queries_whatever_it_shows(client: Client, cast: Cast) -> None:
    client.force_login(cast.dan)
    make_pair(cast.project, 1, slots=1)
    with CaptureQueriesContext(
        connection,
    ) as few:
        page(client)
    rater = make_rater(cast.project, "ann")
    for number in range(2, 45):
        make_label(make_pair(cast.project, number, slots=1), rater)
    with CaptureQueriesContext(connection) as many:
        page(client)
    assert len(many) == len(few) <= 22


@pytest.fixture
def every_state(cast: Cast) -> Project:
    """Pairs 0 to 6 stand each in a state of its own, in the order of State; 7 is gold and held
    back, 8 is held by a rater."""
    project = cast.project
    ann, ben, cat = (make_rater(project, name) for name in ("ann", "ben", "cat"))
    pairs = [make_pair(project, n, slots=2 if n in (3, 4) else 0) for n in range(9)]
    for held in (pairs[0], pairs[7]):
        Pair.objects.filter(pk=held.pk).update(held_back=Pair.HeldBack.SET_ASIDE)
    make_gold(pairs[1], Choice.FIRST)
    make_gold(pairs[7], Choice.FIRST)
    Adjudication.objects.create(project=project, pair=pairs[2], reason="flag")
    done = Slot.objects.filter(pair=pairs[3]).first()
    assert done is not None
    Slot.objects.filter(pk=done.pk).update(state=Slot.State.DONE, rater=ann)
    make_label(pairs[3], ann)
    make_label(pairs[5], ann, Choice.FIRST)
    make_label(pairs[5], ben, Choice.SECOND)
    make_label(pairs[2], ann, Choice.EQUAL)
    make_label(pairs[2], ben, Choice.EQUAL)
    # Of no account: a suspended rater's, a repeat, one taken back, and one corrected.
    spoiler = make_rater(project, "spoiler")
    Rater.objects.filter(pk=spoiler.pk).update(status=Rater.Status.SUSPENDED)
    make_label(pairs[6], spoiler)
    for label in (make_label(pairs[2], cat, Choice.FIRST),):
        Label.objects.filter(pk=label.pk).update(kind=Label.Kind.REPEAT)
    wrong = make_label(pairs[2], ann, Choice.SECOND)
    Label.objects.filter(pair=pairs[2], rater=ann, choice=Choice.EQUAL).update(supersedes=wrong)
    slot = Slot.objects.create(pair=pairs[8], project=project)
    held_slot = claim_next_slot(rater=rater_for(cast.alice, project))
    while held_slot is not None and held_slot.pair_id != pairs[8].pk:
        # Whatever else was handed out is as if it never had been.
        Slot.objects.filter(pk=held_slot.pk).update(
            state=Slot.State.OPEN, rater=None, lease=None, lease_expires_at=None, place=None
        )
        Slot.objects.filter(pk=slot.pk).update(priority=9)
        held_slot = claim_next_slot(rater=rater_for(cast.alice, project))
    return project


def test_each_state_finds_its_pairs(every_state: Project) -> None:
    found = {state: ids(every_state, state=state.value) for state in State}
    assert found == {
        State.HELD_BACK: [0, 7],
        State.GOLD: [1],
        State.DISPUTED: [2],
        State.IN_PROGRESS: [3, 8],
        State.WAITING: [4],
        State.LABELLED: [5],
        State.IDLE: [6],
    }


def test_each_agreement_finds_its_pairs(every_state: Project) -> None:
    found = {one: ids(every_state, agreement=one.value) for one in Agreement}
    assert found == {
        Agreement.AGREE: [2],
        Agreement.DISAGREE: [5],
        Agreement.ONE: [3],
        Agreement.NONE: [0, 1, 4, 6, 7, 8],
    }


def test_what_a_row_says_is_what_the_filter_finds(every_state: Project) -> None:
    pairs = {pair.pk: pair for pair in Pair.objects.filter(project=every_state)}
    standing = standings_of(every_state, list(pairs))
    for state in State:
        found = set(PairFilter(state=state.value).pairs(every_state).values_list("pk", flat=True))
        said = {pk for pk, pair in pairs.items() if standing[pk].state(pair.held_back) == state}
        assert found == said, state
    for one in Agreement:
        found = set(PairFilter(agreement=one.value).pairs(every_state).values_list("pk", flat=True))
        assert found == {pk for pk in pairs if standing[pk].agreement == one}, one


def test_filters_combine_stand_in_the_address_and_can_be_removed(
    client: Client, cast: Cast
) -> None:
    client.force_login(cast.bob)
    source = Import.objects.create(project=cast.project, name="a.jsonl")
    for number in range(6):
        pair = make_pair(cast.project, number)
        pair.prompt.domain = "law" if number % 2 else ""
        pair.prompt.language = "de" if number < 3 else "en"
        pair.prompt.save()
        if number == 1:
            Pair.objects.filter(pk=pair.pk).update(source_import=source, origin="round")
            make_gold(pair, "first", state=GoldPair.State.PROPOSED)
    assert ids(cast.project, domain="law", language="de") == [1]
    assert ids(cast.project, domain="-") == [0, 2, 4]
    assert ids(cast.project, source_import=source.pk, origin="round") == [1]
    assert ids(cast.project, origin="import", language="en", domain="law") == [3, 5]

    shown = page(client, f"?domain=law&language=de&import={source.pk}")
    assert "1 pair<" in shown
    assert "Question 1?" in shown
    assert "Question 3?" not in shown
    assert f'href="?import={source.pk}&amp;language=de"' in shown
    assert 'href="?domain=law&amp;language=de"' in shown
    assert "Remove the filter Import: a.jsonl" in shown
    assert "Remove the filter Domain: law" in shown
    assert "Not specified" in page(client, "?domain=-")


@pytest.mark.parametrize(
    "query",
    [
        "?state=nonsense", "?import=x", "?import=99", "?origin=%00", "?picked=short",
        "?domain=nowhere", "?agreement=%F0%9F%98%80",
    ],
)  # fmt: skip
def test_a_filter_that_is_none_is_told_and_finds_nothing(
    client: Client, cast: Cast, query: str
) -> None:
    make_pair(cast.project, 1)
    client.force_login(cast.dan)
    assert "Question 1?" not in page(client, query, status=400)
    chosen = client.get(f"{HOME}chosen/{query}&all=1")
    assert chosen.status_code == 400
    assert "The filter cannot be read" in chosen.content.decode()


@pytest.mark.parametrize(
    "query",
    ["?before=x", "?after=-1", "?before=99999999999999999999999", "?before=&after=", "?page=9"],
)
def test_a_place_that_is_none_is_the_beginning_or_the_end(
    client: Client, cast: Cast, query: str
) -> None:
    make_pair(cast.project, 1)
    client.force_login(cast.dan)
    assert "Question 1?" in page(client, query)


@pytest.fixture
def told(cast: Cast) -> Project:
    """Pairs 0 to 4 say something each in another place."""
    project = cast.project
    pair = make_pair(project, 0)
    messages = [
        {"role": "system", "content": "Be a harbour pilot."},
        {"role": "user", "content": "Question 0\nBowlines, knots & splices"},
    ]
    pair.prompt.messages = messages
    pair.prompt.metadata = {"thread": {"nested": ["Portolan chart", 1492]}}
    pair.prompt.save()
    make_pair(project, 1, first="Tie the <b>Bowline</b> twice: see https://ex.org/tie?x=1.")
    make_pair(project, 2, second="Größe und STRAẞE, naïve café")
    Pair.objects.filter(pk=make_pair(project, 3).pk).update(
        external_id="chunk_0042-b", metadata={"editor": "Ingeborg O'Neil"}
    )
    make_pair(project, 4, first="it's 100% of C:\\path\\file and 3.14 (approx.)")
    make_pair(cast.elsewhere, 5, first="bowline")
    return project


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("bowline", [0, 1]),
        ("BOWLINE twice", [1]),
        ("bowline chart", [0]),
        ("Portolan", [0]),
        ("1492", [0]),
        ("pilot knots", [0]),
        ("größe", [2]),
        ("GRÖSSE", []),
        ("café", [2]),
        ("chunk_0042-b", [3]),
        ("Ingeborg", [3]),
        ("o'neil", [3]),
        ("3.14", [4]),
        ("it's", [4]),
        ("100%", [4]),
        ("path", [4]),
        ("https://ex.org/tie", [1]),
        ("<b>bowline</b>", [1]),
        ("thread", []),
        ("system", []),
        ("user content", []),
        ('bowline & !(twice | "x")', [1]),
        ("“bowline”, (twice)", [1]),
        ("first answer", [0, 2, 3]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("indexed", [False, True])
def test_a_search_looks_at_texts_values_and_ids(
    told: Project, query: str, found: list[int], *, indexed: bool
) -> None:
    if indexed:
        index_words()
    pairs = Pair.objects.filter(with_words(words_of(query)), project=told)
    numbers = [list(Pair.objects.filter(project=told).order_by("pk")).index(one) for one in pairs]
    assert sorted(numbers) == found


def test_the_page_says_which_words_were_looked_for(client: Client, told: Project) -> None:
    client.force_login(User.objects.get(username="dan"))
    shown = page(client, "?q=%22bowline%22+%26+twice")
    assert 'Pairs with <strong class="text-break" dir="auto">bowline</strong> and <strong' in shown
    assert "Not looked for: 1 other term." in shown
    assert "There is no word to look for" in page(client, "?q=%26%7C%21")
    assert "No pair matches" in page(client, "?q=%26%7C%21")


@pytest.mark.parametrize(
    "query",
    [
        *HOSTILE, "\0", "a\0b", "\ud800", "'", '"', "\\", "a' OR 1=1 --", "a:* & b", "!!", "<->",
        "%", "_", "{0}", "%s", "a" * 10_000, "a " * 5_000, "'" * 10_000, "é" * 3_000, "x\u0301y",
        "[(.*+?^$|", "\x01\x02", "𝕏 🧵 汉字",
    ],
)  # fmt: skip
def test_no_search_is_an_error(client: Client, told: Project, query: str) -> None:
    client.force_login(User.objects.get(username="dan"))
    answer = client.get(HOME, {"q": query.encode("utf-8", "replace")})
    assert answer.status_code == 200, query[:40]
    assert Pair.objects.filter(with_words(words_of(query)), project=told).count() >= 0


def test_of_many_words_the_first_are_looked_for() -> None:
    words = words_of(" ".join(f"word{n}" for n in range(20)) + " word1 ...")
    assert words.used == tuple(f"word{n}" for n in range(MOST_WORDS))
    assert words.left_out == 22 - MOST_WORDS


@pytest.mark.parametrize("text", ["x" * 20_000, *HOSTILE])
def test_texts_of_others_stay_texts(client: Client, cast: Cast, text: str) -> None:
    pair = make_pair(cast.project, prompt=text or " ", first=text, second=text + ".")
    Pair.objects.filter(pk=pair.pk).update(metadata={text[:50]: text}, external_id=text[:150])
    client.force_login(cast.dan)
    for path in ("", f"{pair.pk}/"):
        shown = client.get(HOME + path).content.decode()
        assert "<script>alert" not in shown
        assert "<img src=x" not in shown
        assert "<iframe" not in shown
        assert "<form action=https://evil" not in shown


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL")
def test_postgresql_searches_by_its_index(told: Project) -> None:
    assert index_words() == 6
    assert index_words() == 0
    pairs = Pair.objects.filter(with_words(words_of("bowline")), project=told)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        assert "pair_words" in pairs.explain()


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL")
def test_the_longest_texts_can_be_indexed(cast: Cast) -> None:
    letters = [chr(code) for code in range(0x4E00, 0x9FFF)]
    words = " ".join(one + other for one in letters[:200] for other in letters[:200])
    pair = make_pair(cast.project, prompt=words, first=words[1:], second=words[2:])
    Pair.objects.filter(pk=pair.pk).update(metadata={"a": words}, external_id="x" * 200)
    assert index_words() == 1
    assert Pair.objects.filter(with_words(words_of(words[:2]))).get() == pair


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL")
def test_too_many_new_pairs_are_announced_until_they_are_indexed(
    client: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("corpus.search.NEW_SEARCHED", 2)
    for number in range(3):
        make_pair(cast.project, number)
    client.force_login(cast.dan)
    shown = page(client, "?q=answer")
    assert "2 pairs<" in shown
    assert "1 new pair cannot be found yet" in shown
    index_words()
    shown = page(client, "?q=answer")
    assert "3 pairs<" in shown
    assert "cannot be found yet" not in shown
