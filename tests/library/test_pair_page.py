"""The page of a pair: all that was said of it, for who may read labels."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from annotation.models import (
    Choice,
    CompletionLabel,
    GoldPair,
    Label,
    QualityPolicy,
    Skip,
    StepLabel,
)
from annotation.services import Judgement, claim_next_slot, open_slots, submit_label
from constitution.models import Chain
from corpus.models import Completion, Import, Pair, Prompt, PromptOriginal, SamplingRun
from corpus.pair_sets import pick_pairs
from exports.models import DatasetVersion
from exports.services import freeze
from exports.spec import FreezeFilters
from judging.models import JudgeRun
from tests.builders import (
    Cast,
    make_cast,
    make_gold,
    make_label,
    make_pair,
    make_rater,
    rater_for,
)
from tests.judging.judges import by_number, make_judge, run_judge
from tests.judging.workshop import make_revision_run

pytestmark = pytest.mark.django_db

HOME = "/projects/harbour/"
ANY_PAIR = re.compile(r"/pairs/\d")
LINK = f'href="{HOME}pairs/{{}}/"'


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def pair(cast: Cast) -> Pair:
    """A pair with labels, one of them corrected, verdicts and a dataset."""
    pair = make_pair(cast.project, 1)
    ann, ben = (make_rater(cast.project, name) for name in ("ann", "ben"))
    wrong = make_label(pair, ann, Choice.SECOND)
    Label.objects.create(
        project=cast.project, pair=pair, rater=ann, choice=Choice.FIRST, strength=3,
        comment="Kinder <b>by far</b>.", supersedes=wrong, created_at=timezone.now(),
    )  # fmt: skip
    make_label(pair, ben, Choice.FIRST)
    freeze(project=cast.project, name="kept", filters=FreezeFilters())
    run_judge(make_judge(cast.project), by_number(lambda _: 0.83))
    return pair


def page(client: Client, path: str) -> str:
    answer = client.get(f"{HOME}{path}")
    assert answer.status_code == 200, path
    return " ".join(answer.content.decode().split())


def test_a_pair_shows_all_that_was_said_of_it(client: Client, cast: Cast, pair: Pair) -> None:
    client.force_login(cast.dan)
    shown = page(client, f"pairs/{pair.pk}/")

    for text in ("Question 1?", "First answer 1.", "Second answer 1.", "ann", "ben", "much"):
        assert text in shown
    assert "Kinder &lt;b&gt;by far&lt;/b&gt;." in shown
    assert "<summary>1 superseded or withdrawn</summary>" in shown
    assert "<td>0.83</td>" in shown
    assert "first shown first" in shown
    assert "second shown first" in shown
    assert "First (100 %)" in shown
    assert "kept v1" in shown


def test_gold_is_shown_once_it_is_settled(client: Client, cast: Cast) -> None:
    client.force_login(cast.bob)
    pair = make_pair(cast.project, 2)
    gold = make_gold(pair, Choice.SECOND, state=GoldPair.State.CONTESTED)
    assert "hidden until settled" in page(client, f"pairs/{pair.pk}/")
    gold.state = GoldPair.State.SETTLED
    gold.save()
    assert "hidden until settled" not in page(client, f"pairs/{pair.pk}/")


def test_raters_outsiders_and_who_is_labelling_it_are_refused(
    client: Client, cast: Cast, pair: Pair
) -> None:
    address = f"{HOME}pairs/{pair.pk}/"
    for user, status in ((cast.alice, 403), (cast.charlie, 404), (cast.bob, 200)):
        client.force_login(user)
        assert client.get(address).status_code == status
    theirs = make_pair(cast.elsewhere, 3)
    assert client.get(f"{HOME}pairs/{theirs.pk}/").status_code == 404

    open_slots(pairs=[pair])
    held = claim_next_slot(rater=rater_for(cast.bob, cast.project))
    assert held is not None
    client.force_login(cast.bob)
    assert held.pair == pair
    answer = client.get(address)
    assert answer.status_code == 200
    assert "You are labelling this pair" in answer.content.decode()
    assert pair.first.text not in answer.content.decode()


def test_runs_and_triage_lead_to_the_pairs(client: Client, cast: Cast, pair: Pair) -> None:
    unsure = make_pair(cast.project, 4)
    run = JudgeRun.objects.get()
    run_judge(run.config, by_number(lambda _: 0.55))
    client.force_login(cast.dan)
    assert LINK.format(pair.pk) in page(client, f"judge/{run.pk}/")
    assert LINK.format(unsure.pk) in page(client, "judge/triage/")


def test_the_verdicts_of_a_run_come_in_pages(client: Client, cast: Cast) -> None:
    for number in range(30):
        make_pair(cast.project, number)
    run = run_judge(make_judge(cast.project), by_number(lambda _: 0.83))
    client.force_login(cast.dan)
    assert page(client, f"judge/{run.pk}/").count("<td>0.83</td>") == 50
    assert page(client, f"judge/{run.pk}/?page=2").count("<td>0.83</td>") == 10


def test_a_raters_gold_answers_lead_to_their_pairs_once_these_are_settled(
    client: Client, cast: Cast
) -> None:
    alice = rater_for(cast.alice, cast.project)
    settled, retired, contested = (make_pair(cast.project, number) for number in range(3))
    make_gold(settled, Choice.FIRST)
    make_gold(retired, Choice.FIRST, state=GoldPair.State.RETIRED)
    make_gold(contested, Choice.FIRST, state=GoldPair.State.CONTESTED)
    for one in (settled, retired, contested):
        make_label(one, alice, Choice.SECOND)
    client.force_login(cast.bob)

    shown = page(client, f"raters/{alice.pk}/")

    assert "Latest gold answers (2)" in shown
    assert LINK.format(settled.pk) in shown
    assert LINK.format(retired.pk) in shown
    assert LINK.format(contested.pk) not in shown
    assert '<span class="text-danger">Second</span>' in shown


def test_an_edit_and_the_pair_that_it_was_made_in_lead_to_each_other(
    client: Client, cast: Cast
) -> None:
    pair = make_pair(cast.project, 1, slots=1)
    rater = rater_for(cast.alice, cast.project)
    slot = claim_next_slot(rater=rater)
    assert slot is not None
    assert slot.lease is not None
    submit_label(
        slot_id=slot.pk,
        rater=rater,
        lease=slot.lease,
        judgement=Judgement(pressed="left", edited="Better by far."),
    )
    made = Pair.objects.get(origin=Pair.Origin.EDIT)
    client.force_login(cast.dan)
    assert f"{LINK.format(made.pk)}>Edited answer: pair {made.pk}<" in page(
        client, f"pairs/{pair.pk}/"
    )
    assert f"{LINK.format(pair.pk)}>Edited in pair {pair.pk}<" in page(client, f"pairs/{made.pk}/")


@pytest.mark.django_db(transaction=True)
def test_a_chain_and_its_pair_lead_to_each_other(client: Client, cast: Cast) -> None:
    run = make_revision_run(cast.project, 1)
    chain = Chain.objects.get(run=run)
    assert chain.pair is not None
    client.force_login(cast.bob)
    address = f"critique/{run.pk}/chains/{chain.pk}/"
    assert LINK.format(chain.pair_id) in page(client, address)
    assert f'href="{HOME}{address}"' in page(client, f"pairs/{chain.pair_id}/")
    Chain.objects.update(pair=None)
    assert not ANY_PAIR.search(page(client, address))


def test_the_first_rows_of_a_dataset_lead_to_their_pairs(
    client: Client, cast: Cast, pair: Pair
) -> None:
    sha256 = DatasetVersion.objects.get().sha256
    client.force_login(cast.dan)
    assert LINK.format(pair.pk) in page(client, f"datasets/{sha256}/")
    pair.verdicts.all().delete()
    Label.objects.filter(supersedes__isnull=False).delete()
    pair.labels.all().delete()
    pair.delete()
    shown = page(client, f"datasets/{sha256}/")
    assert "First answer 1." in shown
    assert not ANY_PAIR.search(shown)


def test_all_that_is_known_of_a_pair_is_told(client: Client, cast: Cast) -> None:
    pair = make_pair(cast.project, 1, slots=2)
    source = Import.objects.create(project=cast.project, name="morning.jsonl")
    run = SamplingRun.objects.create(project=cast.project, selection={}, engine="scripted")
    long = "word " * 100
    Pair.objects.filter(pk=pair.pk).update(
        source_import=source,
        source_line=17,
        sampling_run=run,
        external_id="row-17",
        metadata={"thread": 4, "notes": long, "<script>alert(1)</script>": {"a": [1, "<b>x</b>"]}},
    )
    Prompt.objects.filter(pk=pair.prompt_id).update(
        domain="law", difficulty="hard", reference="A **true** answer.", metadata={"page": "p. 9"}
    )
    Completion.objects.filter(pk=pair.first_id).update(
        sampling={"temperature": 0.7},
        token_count=1234,
        finish_reason="length",
        steps=["Count.", "Add."],
        metadata={"score": 0.5},
    )
    ann, ben = (make_rater(cast.project, name) for name in ("ann", "ben"))
    now = timezone.now()
    for step, value in ((0, 1), (1, -1)):
        StepLabel.objects.create(
            project=cast.project, completion=pair.first, rater=ann, step=step, value=value,
            created_at=now,
        )  # fmt: skip
    CompletionLabel.objects.create(
        project=cast.project, completion=pair.second, rater=ann, good=False, created_at=now
    )
    QualityPolicy.objects.create(
        project=cast.project, criteria=[{"key": "tone", "name": "Tone of voice"}]
    )
    label = make_label(pair, ann)
    Label.objects.filter(pk=label.pk).update(margin=1.25, criteria={"tone": "second"})
    Skip.objects.create(pair=pair, rater=ben, reason=Skip.Reason.UNCLEAR)
    picked = pick_pairs(project=cast.project, pairs=[pair.pk], created_by=cast.dan)
    client.force_login(cast.dan)

    shown = page(client, f"pairs/{pair.pk}/")

    for text in (
        *("morning.jsonl", ">17<", "row-17", ">law<", ">hard<", "not sensitive", "short (11"),
        *("<strong>true</strong>", "p. 9", "1,234 tokens", "cut off", "temperature", "2 steps"),
        *("right (1)", "wrong (1)", "Thumbs: 0 up, 1 down", "margin 1.250"),
        *("Tone of voice: second", "unclear (1)", "1 picked pair (", pair.sha256),
    ):
        assert text in shown, text
    assert f'href="{HOME}imports/{source.pk}/"' in shown
    assert f"?picked={picked.sha256}" in shown
    assert "<script>alert(1)" not in shown
    assert "<b>x</b>" not in shown
    assert shown.count("<details>") >= 2, "long values are folded"
    assert "Read the original" not in shown


def test_an_admin_gets_to_what_was_taken_out_of_a_prompt(client: Client, cast: Cast) -> None:
    pair = make_pair(cast.project, 1)
    PromptOriginal.objects.create(prompt=pair.prompt, messages=[], counts={"e-mail": 1})
    for user, offered in ((cast.carol, True), (cast.bob, False), (cast.dan, False)):
        client.force_login(user)
        assert ("Read the original" in page(client, f"pairs/{pair.pk}/")) == offered
