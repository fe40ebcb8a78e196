"""Argilla records: labels, rankings and ratings of people, and suggestions of judges."""

from __future__ import annotations

from typing import Any

import pytest

from corpus.importers.formats import argilla
from corpus.importers.groups import expand
from corpus.importers.records import CompletionRecord, GroupRecord, PairRecord
from corpus.models import PairPolicy
from tests.corpus.formats.reading import (
    choices,
    example_groups,
    example_pairs,
    label,
    pair,
    read,
    reason,
    record,
)

THREE = {
    "prompt": "Why?",
    "response1": "Because.",
    "response2": "No idea.",
    "response3": "Who knows.",
}


def said(value: Any, user: str = "u1", status: str = "submitted") -> dict[str, Any]:
    return {"value": value, "user_id": user, "status": status}


def ranks(*of: int) -> list[dict[str, Any]]:
    return [{"value": f"response{n}", "rank": rank} for n, rank in enumerate(of, 1)]


def row(**changes: Any) -> dict[str, Any]:
    return {
        "id": "rec-0",
        "_server_id": "0",
        "status": "completed",
        "fields": {"prompt": "Why?", "response1": "Because.", "response2": "No idea."},
        "metadata": {"category": "own"},
        "suggestions": {},
        "responses": {},
        "vectors": {},
        **changes,
    }


def test_a_submitted_answer_is_a_label_with_its_users_comment() -> None:
    found = pair(
        argilla,
        **row(
            responses={
                "preference": [said("response1"), said("tie", "u2")],
                "comment": [said("Clear.")],
            }
        ),
    )

    assert (found.response_a, found.response_b, found.id) == ("Because.", "No idea.", "rec-0")
    assert [(one.rater, one.choice, one.comment) for one in found.labels] == [
        ("u1", "a", "Clear."),
        ("u2", "equal", ""),
    ]
    assert found.metadata == {"_server_id": "0", "status": "completed", "category": "own"}


@pytest.mark.parametrize("status", ["draft", "discarded"])
def test_what_was_not_submitted_is_no_label(status: str) -> None:
    found = pair(argilla, **row(responses={"preference": [said("response1", status=status)]}))

    assert found.labels == ()
    assert found.dropped == ("responses (drafts and discarded)",)


def test_a_suggestion_is_a_judges_label() -> None:
    suggestion = {"value": "response2", "score": 0.9, "agent": "judge-1"}

    found = pair(argilla, **row(suggestions={"preference": suggestion}))

    [one] = found.labels
    assert (one.rater, one.kind, one.choice) == ("judge-1", "judge", "b")
    assert found.metadata["suggestion_scores"] == {"preference by judge-1": 0.9}


def test_a_ranking_of_two_is_a_choice_without_a_margin() -> None:
    one = label(argilla, **row(responses={"ranking": [said(ranks(2, 1))]}))

    assert (one.choice, one.margin) == ("b", None)


def test_ratings_that_name_their_answer_are_a_choice_and_criteria() -> None:
    one = label(
        argilla,
        **row(
            responses={
                "overall_response1": [said(5)],
                "overall_response2": [said(2)],
                "safety_response1": [said(3)],
                "safety_response2": [said(3)],
            }
        ),
    )

    assert (one.choice, one.margin, one.criteria) == ("a", 3.0, {"safety": "equal"})


def test_a_rating_of_no_answer_is_dropped_by_name() -> None:
    found = pair(
        argilla, **row(responses={"preference": [said("response1")], "difficulty": [said(4)]})
    )

    assert found.dropped == ("responses.difficulty",)


def test_ranks_of_three_with_a_tie_are_a_group() -> None:
    found = record(
        argilla,
        **row(
            fields=THREE, responses={"ranking": [said(ranks(1, 2, 2)), said(ranks(3, 2, 1), "u2")]}
        ),
    )

    assert isinstance(found, GroupRecord)
    assert [one.text for one in found.completions] == ["Because.", "No idea.", "Who knows."]
    assert [(one.rater, one.scores, one.measured) for one in found.rankings] == [
        ("u1", (-1.0, -2.0, -2.0), False),
        ("u2", (-3.0, -2.0, -1.0), False),
    ]


def test_the_pairs_of_a_group_have_a_label_of_each_ranking() -> None:
    found = record(argilla, **row(fields=THREE, responses={"ranking": [said(ranks(1, 2, 2))]}))
    assert isinstance(found, GroupRecord)

    pairs = expand(found, PairPolicy.ALL, None).pairs

    assert {(one.response_a, one.response_b): one.labels[0].choice for one in pairs} == {
        ("Because.", "No idea."): "a",
        ("Because.", "Who knows."): "a",
        ("No idea.", "Who knows."): "equal",
    }


def test_the_best_of_three_is_better_than_each_other_and_nothing_is_said_of_those() -> None:
    [line] = read(argilla, row(fields=THREE, responses={"preference": [said("response2")]}))

    pairs = [one for one in line.records if isinstance(one, PairRecord)]
    assert len(pairs) == len(line.records)
    assert {(one.response_a, one.response_b): one.labels[0].choice for one in pairs} == {
        ("Because.", "No idea."): "b",
        ("No idea.", "Who knows."): "a",
    }


def test_one_answer_with_a_yes_or_no_is_a_completion_with_thumbs() -> None:
    found = record(
        argilla,
        **row(
            fields={"prompt": "Why?", "response": "Because."},
            responses={"good": [said("yes"), said("no", "u2")]},
        ),
    )

    assert isinstance(found, CompletionRecord)
    assert [(one.rater, one.good) for one in found.labels] == [("u1", True), ("u2", False)]


def test_records_of_version_1_hold_the_values_of_each_user() -> None:
    found = pair(
        argilla,
        **row(
            responses=[
                {
                    "user_id": "u1",
                    "status": "submitted",
                    "values": {
                        "preference": {"value": "response2"},
                        "comment": {"value": "Short."},
                    },
                },
                {"user_id": "u2", "status": "discarded", "values": {}},
            ],
            suggestions=[{"question_name": "preference", "value": "response1", "agent": "j"}],
        ),
    )

    assert [(one.rater, one.kind, one.choice, one.comment) for one in found.labels] == [
        ("u1", "human", "b", "Short."),
        ("j", "judge", "a", ""),
    ]


def test_records_in_a_table_have_columns_for_each_question() -> None:
    table = {
        "id": "rec-0",
        "status": "completed",
        "_server_id": "0",
        "prompt": "Why?",
        "response1": "Because.",
        "response2": "No idea.",
        "category": "own",
        "preference.responses": ["response1", "tie", "response2"],
        "preference.responses.users": ["u1", "u2", "u3"],
        "preference.responses.status": ["submitted", "submitted", "draft"],
        "preference.suggestion": "response2",
        "preference.suggestion.score": 0.9,
        "preference.suggestion.agent": "judge-1",
        "comment.responses": ["Clear."],
        "comment.responses.users": ["u1"],
        "comment.responses.status": ["submitted"],
        "comment.suggestion": None,
    }
    assert argilla.recognises([table]) == 2

    found = pair(argilla, **table)

    assert [(one.rater, one.kind, one.choice, one.comment) for one in found.labels] == [
        ("u1", "human", "a", "Clear."),
        ("u2", "human", "equal", ""),
        ("judge-1", "judge", "b", ""),
    ]
    assert found.metadata == {
        "status": "completed",
        "_server_id": "0",
        "category": "own",
        "suggestion_scores": {"preference by judge-1": 0.9},
    }
    assert found.dropped == ("responses (drafts and discarded)",)
    assert "preference.responses: must be a list" in reason(
        argilla, **{**table, "preference.responses": "response1"}
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"responses": {"preference": [said("meh")]}},
            "responses.preference: 'meh' is no known choice; write the name of a field, tie or",
        ),
        ({"fields": {"prompt": "Why?"}}, "fields: names no answers; they are prompt"),
        ({"fields": {"response1": "x", "response2": "y"}}, "fields: names no prompt"),
        ({"fields": []}, "fields: must be an object"),
        ({"responses": {"preference": 5}}, "responses.preference: must be a list of objects"),
        (
            {"responses": {"ranking": [said([{"value": "response9", "rank": 1}])]}},
            "responses.ranking.0: 'response9' is no answer; they are response1, response2",
        ),
        (
            {"responses": {"ranking": [said([{"value": "response1", "rank": None}])]}},
            "responses.ranking.0: 'response1' has no rank",
        ),
        ({"suggestions": {"preference": "response1"}}, "suggestions.preference: must be an object"),
    ],
)
def test_a_bad_record_is_refused_with_what_is_wrong(changes: dict[str, Any], why: str) -> None:
    assert why in reason(argilla, **row(**changes))


def test_a_file_of_records_with_a_draft_and_suggestions() -> None:
    pairs = example_pairs("argilla-records.json", argilla)

    assert choices(pairs) == [["a", "a"], ["a", "a", "a"], ["a", "equal"], ["a", "a"], ["a", "a"]]
    assert [(one.rater, one.kind) for one in pairs[3].labels] == [
        ("u1", "human"),
        ("judge-1", "judge"),
    ]
    assert pairs[3].dropped == ("responses (drafts and discarded)",)
    assert {one.labels[0].comment for one in pairs} == {"clear"}


def test_a_file_of_rankings_with_ties() -> None:
    groups = example_groups("argilla-ranking.json", argilla)

    assert len(groups) == 5
    assert {one.rankings[0].scores for one in groups} == {(-1.0, -2.0, -2.0)}
