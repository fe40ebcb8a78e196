"""The overview says what waits, how far a project is and how far people agree; the policy's page
says what its figures do."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from annotation.models import Adjudication, Choice
from annotation.services import policy_of, set_policy
from tests.builders import Cast, make_cast, make_label, make_pair, make_rater

pytestmark = pytest.mark.django_db
HERE = "/projects/harbour/"
WANTED = '<span class="flex-fill">3 more labels are needed from raters.</span>'


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def shown(user: User, path: str = HERE) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(path)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def labelled(cast: Cast, *, pairs: int, raters: int) -> None:
    people = [make_rater(cast.project, f"rater {number}") for number in range(raters)]
    for number in range(pairs):
        pair = make_pair(cast.project, number, slots=1)
        for rater in people:
            make_label(pair, rater, Choice.FIRST if number % 2 else Choice.SECOND)


def test_each_role_is_told_what_it_can_do_next_and_nothing_else(cast: Cast) -> None:
    labelled(cast, pairs=3, raters=2)
    Adjudication.objects.create(
        project=cast.project, pair=cast.project.pairs.all()[0], reason="flag"
    )

    senior, admin, researcher = shown(cast.bob), shown(cast.carol), shown(cast.dan)

    for page in (senior, admin):
        assert "1 pair to adjudicate." in page
        assert WANTED in page
    assert "to adjudicate" not in researcher
    assert WANTED not in researcher
    for page in (researcher, admin):
        assert "Freeze the labels into a dataset." in page
    assert "Freeze the labels" not in senior


def test_agreement_is_a_sentence_and_labels_a_day_are_a_picture(cast: Cast) -> None:
    empty = shown(cast.carol)
    assert "No pair has been labelled by two people yet" in empty
    assert "No labels in the last four weeks" in empty
    assert "0 of 0" not in empty

    labelled(cast, pairs=4, raters=2)
    page = shown(cast.carol)

    assert "give the same answer <strong>100 %</strong> of the time, on 4 pairs." in page
    assert '<span class="h1">0</span> of 4 labels from raters done' in page
    assert 'aria-valuenow="0" aria-valuemin="0" aria-valuemax="4"' in page
    assert "4 more labels are needed." in page
    assert "4 of 4 pairs have at least one label, counting imported labels and judges." in page
    assert "8 labels in the last four weeks" in page
    assert page.count("<title>") == 2, "one of the page, one of the day's bar"


def test_ten_raters_are_shown_and_a_link_to_all(cast: Cast) -> None:
    labelled(cast, pairs=1, raters=30)

    page = shown(cast.carol)

    assert page.count('<td class="name-cell">') == 10
    assert f'href="{HERE}raters/">All 3' in page


def test_the_policys_page_names_units_and_defaults_and_stores_every_field(cast: Cast) -> None:
    set_policy(project=cast.project, changes={"lease_minutes": 12})
    path = f"{HERE}quality/"
    page = shown(cast.carol, path)
    assert "Time a pair is reserved for a rater (minutes)" in page
    assert "Default: 15." in page
    assert page.count("<details") == 3
    client = Client()
    client.force_login(cast.carol)
    form = client.get(path).context["form"]
    sent = {name: form[name].value() for name in form.fields} | {"lease_minutes": 14, "seed": 5}
    sent = {name: "" if value is None else value for name, value in sent.items()}

    answer = client.post(path, {name: value for name, value in sent.items() if value is not False})

    assert answer.status_code == 302
    stored = policy_of(cast.project.pk)
    assert (stored.lease_minutes, stored.seed, stored.admission_kappa) == (14, 5, 0.6)


def test_the_agreement_page_begins_with_a_sentence_and_pages_every_two_raters(cast: Cast) -> None:
    labelled(cast, pairs=3, raters=8)
    path = f"{HERE}agreement/"
    first = shown(cast.carol, path)
    last = shown(cast.carol, f"{path}?by=week&page=2")

    assert first.index("Agreement among human raters") < first.index('data-chart="heat"')
    assert first.index('data-chart="heat"') < first.index("All chance-corrected coefficients")
    assert "Page 1 of 2" in first
    assert '<details class="card" id="twos" >' in first
    assert 'href="?by=domain&amp;page=2#twos"' in first.replace("&page", "&amp;page")
    assert "Page 2 of 2" in last
    assert '<details class="card" id="twos" open>' in last
    assert "By week" in last
    twos = [page.split('id="twos"')[1].split("</details>")[0] for page in (first, last)]
    assert [two.count("<tr>") - 1 for two in twos] == [20, 8]
