"""Comparisons of summaries: the prompt as it was, the worker, and how sure they were."""

from __future__ import annotations

from typing import Any

import pytest

from corpus.importers.formats import summarize_from_feedback
from corpus.importers.records import GroupRecord
from tests.corpus.formats.reading import choices, example_pairs, label, pair, read, reason


def comparison(**changes: Any) -> dict[str, Any]:
    return {
        "info": {"id": "t3_0", "post": "It is old.", "title": "Kettle", "subreddit": "tea"},
        "summaries": [
            {"text": " Buy one.", "policy": "sup2", "note": "too thin"},
            {"text": " An old kettle.", "policy": "ref", "note": None},
        ],
        "choice": 1,
        "worker": "w0",
        "batch": "batch3",
        "split": "train",
        "extra": {"confidence": 8},
        **changes,
    }


def test_the_prompt_is_the_post_as_the_policies_saw_it() -> None:
    found = pair(summarize_from_feedback, **comparison())

    [turn] = found.prompt
    assert turn.content == "SUBREDDIT: r/tea\n\nTITLE: Kettle\n\nPOST: It is old.\n\nTL;DR:"
    assert (found.response_a, found.response_b) == ("Buy one.", "An old kettle.")
    assert (found.model_a, found.model_b) == ("sup2", "ref")
    assert (found.id, found.domain, found.metadata["batch"]) == ("t3_0", "tea", "batch3")
    assert found.metadata_a == {"note": "too thin"}
    assert (found.labels[0].rater, found.labels[0].choice) == ("w0", "b")


def test_an_article_has_its_own_prompt() -> None:
    info = {"id": "c1", "article": "It rained.", "title": "Rain", "site": "own", "post": None}

    found = pair(summarize_from_feedback, **comparison(info=info))

    assert found.prompt[0].content == "Article:\n\nIt rained.\n\nTL;DR:"
    assert found.metadata["site"] == "own"


@pytest.mark.parametrize(
    ("choice", "confidence", "strength"),
    [
        (1, 9, 3),
        (1, 8, 3),
        (1, 7, 2),
        (1, 6, 1),
        (0, 4, 1),
        (0, 3, 2),
        (0, 1, 3),
        (1, 5, None),
        (1, 2, None),
        (1, 6.5, None),
        (1, None, None),
        (1, 99, None),
    ],
)
def test_confidence_is_a_strength_on_the_side_of_the_choice(
    choice: int, confidence: float | None, strength: int | None
) -> None:
    row = comparison(choice=choice, extra={"confidence": confidence})

    assert label(summarize_from_feedback, **row).strength == strength


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"choice": 2}, "choice: must be 0 or 1, got '2'"),
        ({"info": None}, "info: must be an object with the post"),
        ({"info": {"title": "x"}}, "post: must be a string, got nothing"),
        ({"summaries": [{"text": "x"}]}, "summaries: must be two, got 1"),
        ({"summaries": [{"text": "x"}, {}]}, "summaries.1.text: must be a string"),
        ({"summaries": [{"text": "x"}, 3]}, "summaries.1: must be an object, got int"),
    ],
)
def test_a_bad_comparison_is_refused_with_what_is_wrong(changes: dict[str, Any], said: str) -> None:
    assert said in reason(summarize_from_feedback, **comparison(**changes))


def rating(worker: str, said: str, policy: str, overall: int, accuracy: int) -> dict[str, Any]:
    axes = {"overall": overall, "accuracy": accuracy}
    return {
        "info": {"id": "c1", "article": "It rained.", "title": "Rain", "site": "own"},
        "summary": {"text": said, "policy": policy, "note": None, "axes": axes},
        "worker": worker,
        "split": "test",
    }


def test_ratings_of_the_summaries_of_one_post_are_a_group_with_each_workers_ratings() -> None:
    rows = [
        rating("w0", " Rain.", "ref", 6, 7),
        rating("w0", " Sun.", "sup2", 1, 1),
        rating("w1", " Rain.", "ref", 5, 7),
    ]
    assert summarize_from_feedback.recognises(rows[:1]) == 2

    [line] = read(summarize_from_feedback, *rows)

    [group] = line.records
    assert isinstance(group, GroupRecord)
    assert [(one.text, one.model) for one in group.completions] == [
        ("Rain.", "ref"),
        ("Sun.", "sup2"),
    ]
    assert group.prompt[0].content == "Article:\n\nIt rained.\n\nTL;DR:"
    assert [(one.rater, one.scores, one.criteria, one.measured) for one in group.rankings] == [
        ("w0", (6.0, 1.0), {"accuracy": (7.0, 1.0)}, True),
        ("w1", (5.0, None), {"accuracy": (7.0, None)}, True),
    ]


def test_neighboring_comparisons_are_pairs_of_their_own() -> None:
    lines = read(summarize_from_feedback, comparison(), comparison(worker="w1"))

    assert [len(line.records) for line in lines] == [1, 1]


def test_a_file_of_comparisons() -> None:
    pairs = example_pairs("summarize-from-feedback.jsonl", summarize_from_feedback)

    assert choices(pairs) == [["b"]] * 5
    assert [one.labels[0].rater for one in pairs] == ["w0", "w1", "w0", "w1", "w0"]
    assert [one.labels[0].strength for one in pairs] == [None, 2, 2, 2, 2]
