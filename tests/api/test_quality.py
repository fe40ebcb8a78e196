"""Quality control over REST: what each role may do, pages and filters, and clear refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from accounts.models import Invitation
from annotation.models import GoldPair, Label, QualityPolicy, Rater
from annotation.services import find_adjudications
from tests.builders import Cast, make_cast, make_gold, make_label, make_pair, make_rater, rater_for

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:No directory at:UserWarning"),
]

HERE = "/api/projects/harbour/"


@pytest.fixture
def cast() -> Cast:
    cast = make_cast()
    for number in range(4):
        pair = make_pair(cast.project, number, slots=1)
        make_label(pair, rater_for(cast.alice, cast.project), "first")
        make_label(pair, make_rater(cast.project, f"other {number}"), "second")
    return cast


def ask(
    user: User, path: str, body: Any = None, method: str | None = None
) -> tuple[int, dict[str, Any]]:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    method = method or ("GET" if body is None else "POST")
    data = "" if body is None or method == "GET" else json.dumps(body)
    answer = client.generic(method, HERE + path, data, content_type="application/json")
    return answer.status_code, json.loads(answer.content) if answer.content else {}


def test_lists_come_in_pages_and_are_filtered(cast: Cast) -> None:
    status, page = ask(cast.dan, "labels?limit=3&choice=first")
    assert status == 200
    assert (page["count"], len(page["results"])) == (4, 3)
    assert "offset=3" in page["next"]
    assert {row["choice"] for row in page["results"]} == {"first"}
    alice = rater_for(cast.alice, cast.project).pk
    assert ask(cast.dan, f"labels?rater={alice}&offset=3")[1]["results"][0]["rater"] == alice
    assert ask(cast.bob, "raters?kind=human&status=active")[1]["count"] == 7
    assert ask(cast.bob, "raters?status=suspended")[1]["count"] == 0


@pytest.mark.parametrize(
    "path",
    [
        "labels?choice=left",
        "labels?since=soon",
        "raters?status=gone",
        "gold?state=x",
        "agreement?by=x",
    ],
)
def test_a_filter_that_is_none_is_named(cast: Cast, path: str) -> None:
    status, error = ask(cast.carol, path)
    assert status == 400
    assert path.split("?")[1].split("=")[0] in error["fields"]


def test_the_policy_is_changed_by_field_and_refused_by_field(cast: Cast) -> None:
    assert ask(cast.bob, "quality-policy")[1]["gold_share"] == 0.1
    status, policy = ask(cast.carol, "quality-policy", {"gold_share": 0.2}, "PATCH")
    assert (status, policy["gold_share"], policy["overlap_share"]) == (200, 0.2, 0.1)
    status, error = ask(cast.carol, "quality-policy", {"gold_share": 0.99}, "PATCH")
    assert status == 400
    assert "add up to 1.04" in " ".join(error["fields"]["gold_share"])
    assert QualityPolicy.objects.get().gold_share == 0.2
    assert ask(cast.bob, "quality-policy", {"gold_share": 0.3}, "PATCH")[0] == 403
    status, intake = ask(cast.carol, "intake-policy", {"identity": "hold"}, "PATCH")
    assert (status, intake["identity"]) == (200, "hold")


def test_a_rater_is_suspended_and_reinstated_with_a_reason(cast: Cast) -> None:
    alice = rater_for(cast.alice, cast.project)
    address = f"raters/{alice.pk}/status"
    assert ask(cast.carol, address, {"action": "suspend", "reason": ""})[0] == 400
    assert ask(cast.bob, address, {"action": "suspend", "reason": "x"})[0] == 403
    status, rater = ask(cast.carol, address, {"action": "suspend", "reason": "Sold it."})
    assert (status, rater["status"], rater["status_reason"]) == (200, "suspended", "Sold it.")
    assert rater["changes"][0]["reason"] == "Sold it."
    status, error = ask(cast.carol, address, {"action": "suspend", "reason": "Again."})
    assert (status, error["code"]) == (409, "wrong_status")
    assert (
        ask(cast.carol, address, {"action": "reinstate", "reason": "No."})[1]["status"] == "active"
    )
    assert ask(cast.alice, "tasks/next", {})[0] in (200, 204)


def test_gold_answers_stay_hidden_until_seniors_agree(cast: Cast) -> None:
    pair = make_pair(cast.project, 50)
    address = f"gold/{pair.pk}/answers"
    status, row = ask(cast.bob, address, {"choice": "first", "note": "kind"})
    assert (status, row["state"], row["choice"]) == (201, "proposed", "")
    status, error = ask(cast.bob, address, {"choice": "first"})
    assert (status, error["code"]) == (409, "gold_refused")
    assert ask(cast.carol, address, {"choice": "first"})[1]["choice"] == "first"
    assert ask(cast.bob, "gold?state=settled")[1]["count"] == 1
    assert ask(cast.alice, "gold")[0] == 403
    assert ask(cast.bob, f"gold/{pair.pk}/retire", {})[0] == 403
    assert ask(cast.carol, f"gold/{pair.pk}/retire", {})[1]["state"] == "retired"


def test_a_senior_decides_what_raters_differ_on(cast: Cast) -> None:
    assert find_adjudications(project=cast.project) == 4
    row = ask(cast.bob, "adjudications?reason=disagreement")[1]["results"][0]
    left = ask(cast.bob, f"adjudications/{row['id']}")[1]["left"]
    status, decided = ask(
        cast.bob, f"adjudications/{row['id']}", {"action": "decide", "choice": "left"}
    )
    assert (status, decided["state"]) == (200, "decided")
    assert Label.objects.get(kind="adjudication").choice == left
    status, error = ask(cast.bob, f"adjudications/{row['id']}", {"action": "dismiss"})
    assert (status, error["code"]) == (409, "adjudication_refused")
    assert ask(cast.alice, "adjudications")[0] == 403


def test_guidelines_are_published_and_read(cast: Cast) -> None:
    assert ask(cast.carol, "guidelines", {"text": "Be fair."})[0] == 201
    assert ask(cast.alice, "guidelines")[1]["results"][0]["number"] == 1
    assert ask(cast.alice, "guidelines", {"text": "Mine."})[0] == 403
    assert ask(cast.alice, "guidelines/1/read", {})[0] == 204
    assert rater_for(cast.alice, cast.project).guideline_read is not None
    assert ask(cast.alice, "guidelines/9/read", {})[1]["code"] == "guideline_refused"


def test_agreement_and_progress_are_there_to_read(cast: Cast) -> None:
    make_gold(cast.project.pairs.all()[0], "first")
    status, agreement = ask(cast.dan, "agreement")
    assert status == 200
    assert agreement["report"]["krippendorff_alpha"]["n"] == 4
    assert ask(cast.dan, "agreement?by=week")[1]["parts"]
    assert ask(cast.dan, "progress")[1]["wanted"] == 4
    assert ask(cast.alice, "agreement")[0] == 403


def test_consensus_comes_in_pages_with_its_confidence(cast: Cast) -> None:
    make_label(cast.project.pairs.all()[0], make_rater(cast.project, "third"), "second")
    status, page = ask(cast.dan, "consensus?limit=1")
    assert (status, page["count"], len(page["results"])) == (200, 4, 1)
    row = page["results"][0]
    assert (row["choice"], round(row["confidence"], 3)) == ("second", 0.667)
    assert sum(row["distribution"].values()) == pytest.approx(1)
    assert ask(cast.dan, "consensus?method=dawid_skene&kinds=judge")[1]["count"] == 0
    assert ask(cast.dan, "consensus?method=x")[0] == 400


def test_invitations_show_their_link_once(cast: Cast) -> None:
    status, made = ask(cast.carol, "invitations", {"role": "rater"})
    assert status == 201
    assert "/invitations/" in made["link"]
    row = ask(cast.carol, "invitations")[1]["results"][0]
    assert (row["state"], "link" in row) == ("pending", False)
    assert ask(cast.carol, f"invitations/{row['id']}/revoke", {})[0] == 204
    assert Invitation.objects.get().revoked_at is not None


def test_the_link_arrives_though_the_mail_does_not(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_mail: object) -> None:
        raise ConnectionRefusedError("no mail server")

    monkeypatch.setattr("accounts.services.invitations.send_mail", refuse)
    status, made = ask(cast.carol, "invitations", {"role": "rater", "email": "kim@example.org"})
    assert status == 201
    assert "/invitations/" in made["link"]
    assert made["mail_error"] == "The e-mail could not be sent: no mail server"


def test_half_of_a_surrogate_pair_is_bad_input_wherever_it_stands(cast: Cast) -> None:
    for path, body in (
        ("invitations", {"role": "\ud800"}),
        ("constitutions", {"slug": "x", "text": 'principles: ["\\uD800"]'}),
        ("constitutions", {"slug": "x", "text": 'name: "\\0"\nprinciples: []'}),
        ("critique-runs", {"constitution": "c", "model": "m", "limit": 10**30}),
    ):
        assert ask(cast.carol, path, body)[0] == 400, path


def test_a_stranger_finds_nothing(cast: Cast) -> None:
    for path in ("labels", "raters", "gold", "adjudications", "agreement", "quality-policy"):
        assert ask(cast.charlie, path)[0] == 404
    assert not GoldPair.objects.exists()
    assert Rater.objects.filter(project=cast.elsewhere).count() == 1
