"""Stanford Human Preferences: votes, and what their ratio says."""

from __future__ import annotations

from typing import Any

import pytest

from corpus.importers.formats import shp
from tests.corpus.formats.reading import choices, example_pairs, label, pair, reason


def row(**changes: Any) -> dict[str, Any]:
    return {
        "post_id": "x0",
        "domain": "askculinary_train",
        "upvote_ratio": 0.98,
        "history": "Why?",
        "c_root_id_A": "a0",
        "c_root_id_B": "b0",
        "created_at_utc_A": 1636107200,
        "created_at_utc_B": 1636107300,
        "score_A": 4,
        "score_B": 30,
        "human_ref_A": "No idea.",
        "human_ref_B": "Because.",
        "labels": 0,
        "seconds_difference": 100.0,
        "score_ratio": 7.5,
        **changes,
    }


def test_label_0_is_the_second_answer_and_the_votes_are_kept_with_their_answers() -> None:
    found = pair(shp, **row())

    assert (found.response_a, found.response_b) == ("No idea.", "Because.")
    assert (found.id, found.domain, found.metadata["split"]) == ("x0", "askculinary", "train")
    assert found.labels[0].choice == "b"
    assert found.metadata_a == {"score": 4, "c_root_id": "a0", "created_at_utc": 1636107200}
    assert found.metadata_b["score"] == 30
    assert found.metadata["score_ratio"] == 7.5


def test_label_1_is_the_first_answer() -> None:
    assert label(shp, **row(labels=1)).choice == "a"


@pytest.mark.parametrize(
    ("ratio", "strength"),
    [(1.0, 1), (1.99, 1), (2.0, 2), (4.99, 2), (5.0, 3), (100.0, 3), (None, None)],
)
def test_the_ratio_of_votes_is_a_strength(ratio: float | None, strength: int | None) -> None:
    assert label(shp, **row(score_ratio=ratio)).strength == strength


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": 2}, "labels: must be 1 (A is better) or 0 (B), got '2'"),
        ({"labels": None}, "labels: must be 1"),
        ({"history": None}, "history: must be a string, got nothing"),
        ({"human_ref_A": "Because."}, "identical"),
    ],
)
def test_a_bad_row_is_refused_with_what_is_wrong(changes: dict[str, Any], said: str) -> None:
    assert said in reason(shp, **row(**changes))


def test_a_file_of_votes() -> None:
    pairs = example_pairs("shp.jsonl", shp)

    assert choices(pairs) == [["b"], ["a"], ["b"], ["a"], ["b"]]
    assert {one.labels[0].strength for one in pairs} == {3}
