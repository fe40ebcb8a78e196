"""HelpSteer2, its preferences, and HelpSteer3."""

from __future__ import annotations

from typing import Any

import pytest

from corpus.importers.formats import helpsteer2, helpsteer2_preference, helpsteer3
from corpus.importers.groups import expand
from corpus.importers.records import GroupRecord
from corpus.importers.registry import Format
from corpus.imports.report import ImportReport
from corpus.imports.running import note_lines
from corpus.models import PairPolicy
from tests.corpus.formats.reading import (
    choices,
    example_groups,
    example_pairs,
    pair,
    read,
    reason,
    record,
)


def rating(helpfulness: Any = 4, response: Any = "Because.", **changes: Any) -> dict[str, Any]:
    return {
        "prompt": "Why?",
        "response": response,
        "helpfulness": helpfulness,
        "correctness": 3,
        "coherence": 4,
        "complexity": 1,
        "verbosity": 1,
        **changes,
    }


def preference(**changes: Any) -> dict[str, Any]:
    return {
        "split": "train",
        "prompt": "Why?",
        "response_1": "No idea.",
        "response_2": "Because.",
        "preference_strength": 2,
        "preference_statement": "@Response 2 is better",
        "preference_elaboration": "It says why.",
        "all_preferences_unprocessed": [
            {"strength": 3, "justification": "It answers."},
            {"strength": -1, "statement": "Slightly.", "elaboration": ""},
        ],
        **changes,
    }


def third(**changes: Any) -> dict[str, Any]:
    return {
        "domain": "code",
        "language": "python",
        "context": [{"role": "user", "content": "Why?"}],
        "response1": "Because.",
        "response2": "No idea.",
        "overall_preference": -2,
        "individual_preference": [
            {"score": -2, "reasoning": "It says why.", "feedback1": "Good.", "feedback2": "Empty."},
            {"score": 0, "reasoning": "Alike.", "feedback1": "", "feedback2": ""},
        ],
        **changes,
    }


def test_neighbors_of_one_prompt_are_one_group() -> None:
    first, second = read(helpsteer2, rating(), rating(1, "No idea."), rating(prompt="How?"))

    [group] = first.records
    assert isinstance(group, GroupRecord)
    assert [one.text for one in group.completions] == ["Because.", "No idea."]
    [ranking] = group.rankings
    assert (ranking.rater, ranking.scores, ranking.measured) == ("helpsteer2", (4.0, 1.0), True)
    assert ranking.criteria["correctness"] == (3.0, 3.0)
    assert set(ranking.criteria) == set(helpsteer2.AXES)
    assert group.completions[0].metadata["verbosity"] == 1
    assert (first.line, first.rows, first.last) == (1, 2, 2)
    assert (second.line, second.rows) == (3, 1)
    assert len(second.records) == 1


def test_a_group_becomes_a_pair_with_the_five_axes_as_criteria() -> None:
    [line] = read(helpsteer2, rating(), rating(1, "No idea."))
    [group] = line.records
    assert isinstance(group, GroupRecord)

    [made] = expand(group, PairPolicy.ALL, None).pairs

    [said] = made.labels
    assert (said.choice, said.margin) == ("a", 3.0)
    assert said.criteria == {
        "helpfulness": "a",
        "correctness": "equal",
        "coherence": "equal",
        "complexity": "equal",
        "verbosity": "equal",
    }


def test_turns_inside_a_prompt_are_turns() -> None:
    prompt = "Hi\n<extra_id_1>Assistant\nHello.\n<extra_id_1>User\nWhy?"

    found = record(helpsteer2, **rating(prompt=prompt))

    assert [(turn.role, turn.content) for turn in found.prompt] == [
        ("user", "Hi"),
        ("assistant", "Hello."),
        ("user", "Why?"),
    ]
    assert pair(helpsteer2_preference, **preference(prompt=prompt)).prompt == found.prompt


def test_more_neighbors_than_a_record_holds_are_several_groups() -> None:
    lines = read(helpsteer2, *(rating(response=f"Answer {n}.") for n in range(70)))

    assert [len(one.completions) for one in lines[0].records] == [64, 6]  # type: ignore[union-attr]


def test_a_bad_neighbor_costs_no_other() -> None:
    good, bad, other = read(helpsteer2, rating(), rating(None, "No idea."), rating(2, "Who knows."))

    assert bad.reason == "helpfulness: must be a number, got ''"
    assert [(line.line, len(line.records)) for line in (good, other)] == [(1, 1), (3, 1)]


def test_a_group_that_cannot_be_stored_is_reported_for_each_of_its_rows() -> None:
    report = ImportReport()

    rejected = note_lines(report, read(helpsteer2, rating(), rating(1, "\x00")))

    assert [one.line for one in rejected] == [1, 2]
    assert (report.rows, report.rejected_rows) == (2, 2)


@pytest.mark.parametrize(
    ("strength", "choice", "strong"),
    [
        (-3, "a", 3),
        (-1, "a", 1),
        (0, "equal", None),
        (-100, "both_bad", None),
        (1, "b", 1),
        (3, "b", 3),
        (2.0, "b", 2),
    ],
)
def test_a_negative_strength_is_for_the_first_and_minus_100_for_neither(
    strength: float, choice: str, strong: int | None
) -> None:
    said = pair(helpsteer2_preference, **preference(preference_strength=strength)).labels[0]
    assert (said.choice, said.strength) == (choice, strong)

    said = pair(helpsteer3, **third(overall_preference=strength)).labels[0]
    assert (said.choice, said.strength) == (choice, strong)


def test_each_vote_is_a_label_beside_the_overall_preference() -> None:
    labels = pair(helpsteer2_preference, **preference()).labels

    assert [(one.rater, one.choice, one.strength, one.comment) for one in labels] == [
        ("helpsteer2-preference", "b", 2, "It says why."),
        ("annotator 1", "b", 3, "It answers."),
        ("annotator 2", "a", 1, "Slightly."),
    ]


def test_what_annotators_wrote_of_each_answer_is_kept_with_it() -> None:
    found = pair(helpsteer3, **third())

    assert (found.domain, found.language) == ("code", "python")
    assert [(one.rater, one.choice, one.strength, one.comment) for one in found.labels] == [
        ("helpsteer3", "a", 2, ""),
        ("annotator 1", "a", 2, "It says why."),
        ("annotator 2", "equal", None, "Alike."),
    ]
    assert found.metadata_a == {"feedback": ["Good."]}
    assert found.metadata_b == {"feedback": ["Empty."]}


@pytest.mark.parametrize(
    ("one", "row", "said"),
    [
        (helpsteer2, rating("N/A"), "helpfulness: must be a number, got 'N/A'"),
        (helpsteer2, rating(response=None), "response: must be a string"),
        (
            helpsteer2_preference,
            preference(preference_strength=4),
            "preference_strength: must be a whole number from -3 to 3, got '4'",
        ),
        (
            helpsteer2_preference,
            preference(all_preferences_unprocessed=[{"strength": None}]),
            "all_preferences_unprocessed.0.strength: must be a whole number",
        ),
        (
            helpsteer2_preference,
            preference(all_preferences_unprocessed=[3]),
            "all_preferences_unprocessed.0: must be an object, got int",
        ),
        (helpsteer3, third(context="Why?"), "context: must be a list of messages"),
        (helpsteer3, third(overall_preference=0.5), "overall_preference: must be a whole number"),
        (helpsteer3, third(individual_preference={}), "individual_preference: must be a list"),
    ],
)
def test_a_bad_row_is_refused_with_what_is_wrong(
    one: Format, row: dict[str, Any], said: str
) -> None:
    assert said in reason(one, **row)


def test_a_file_of_ten_ratings_is_five_groups() -> None:
    groups = example_groups("helpsteer2.jsonl", helpsteer2)

    assert [len(one.completions) for one in groups] == [2] * 5
    assert {one.rankings[0].scores for one in groups} == {(4.0, 1.0)}
    assert groups[3].completions[0].text == "17 × 6 = 102."


def test_files_of_preferences() -> None:
    second = example_pairs("helpsteer2-preference.jsonl", helpsteer2_preference)
    assert choices(second) == [[one, "b", "b"] for one in ("b", "b", "equal", "a", "b")]
    assert [one.labels[0].strength for one in second] == [3, 2, None, 1, 3]

    found = example_pairs("helpsteer3.jsonl", helpsteer3)
    assert choices(found) == [[one, "a", "a"] for one in ("a", "a", "equal", "b", "a")]
    assert [one.labels[0].strength for one in found] == [3, 2, None, 1, 3]
