"""Label Studio tasks: controls of every kind, several annotators, ground truth and predictions."""

from __future__ import annotations

from typing import Any

import pytest

from corpus.importers.formats import label_studio
from corpus.importers.records import CompletionRecord
from tests.corpus.formats.reading import choices, example_pairs, label, pair, reason, record


def control(kind: str, value: Any, name: str = "pref", about: str = "prompt") -> dict[str, Any]:
    return {"type": kind, "value": value, "from_name": name, "to_name": about, "id": "r1"}


def picked(word: str, name: str = "pref") -> dict[str, Any]:
    return control("choices", {"choices": [word]}, name)


def rated(stars: int, about: str, name: str = "stars") -> dict[str, Any]:
    return control("rating", {"rating": stars}, name, about)


def annotation(*result: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "completed_by": 7,
        "result": list(result),
        "was_cancelled": False,
        "ground_truth": False,
        "lead_time": 12.5,
        "created_at": "2023-04-17T21:54:20.457543Z",
        **changes,
    }


def task(*annotations: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "id": 401,
        "data": {"prompt": "Why?", "answer1": "Because.", "answer2": "No idea."},
        "annotations": list(annotations),
        "predictions": [],
        **changes,
    }


def test_the_left_answer_of_a_pairwise_control_is_the_first() -> None:
    found = pair(label_studio, **task(annotation(control("pairwise", {"selected": "left"}))))

    assert (found.response_a, found.response_b, found.id) == ("Because.", "No idea.", "401")
    [said] = found.labels
    assert (said.rater, said.choice, said.seconds) == ("7", "a", 12.5)
    assert said.created_at is not None
    assert said.created_at.year == 2023


@pytest.mark.parametrize(
    ("word", "choice"),
    [
        ("A", "a"),
        ("B", "b"),
        ("Tie", "equal"),
        ("Both bad", "both_bad"),
        ("answer2", "b"),
        ("Answer 1", "a"),
        ("Response B is better", "b"),
        (" left ", "a"),
    ],
)
def test_the_usual_words_are_known(word: str, choice: str) -> None:
    assert label(label_studio, **task(annotation(picked(word)))).choice == choice


def test_a_word_that_is_not_known_is_named() -> None:
    said = reason(label_studio, **task(annotation(picked("Meh"))))

    assert said == (
        "annotations.0.result: 'pref' says 'Meh', which is no known choice; write left, right, A, "
        "B, Tie or Both bad"
    )


def test_several_choices_are_one_overall_and_criteria() -> None:
    said = label(
        label_studio,
        **task(annotation(picked("A", "safety"), picked("B", "overall"), picked("Tie", "style"))),
    )

    assert said.choice == "b"
    assert said.criteria == {"safety": "a", "style": "equal"}


def test_ratings_of_both_answers_are_a_choice_with_a_margin() -> None:
    said = label(label_studio, **task(annotation(rated(5, "answer1"), rated(2, "answer2"))))

    assert (said.choice, said.margin, said.criteria) == ("a", 3.0, {})


def test_ratings_beside_a_choice_are_criteria() -> None:
    said = label(
        label_studio,
        **task(
            annotation(
                control("pairwise", {"selected": "right"}),
                rated(5, "prompt", "clarity_answer1"),
                rated(2, "prompt", "clarity_answer2"),
            )
        ),
    )

    assert (said.choice, said.margin, said.criteria) == ("b", None, {"clarity": "a"})


def test_a_rating_of_no_answer_is_dropped_by_name_and_a_strength_is_kept() -> None:
    found = pair(
        label_studio,
        **task(annotation(picked("A"), rated(3, "prompt", "strength"), rated(5, "prompt", "fun"))),
    )

    assert found.labels[0].strength == 3
    assert found.dropped == ("annotations.fun",)


@pytest.mark.parametrize(
    ("who", "rater"),
    [
        (7, "7"),
        ("ann@example.org", "ann@example.org"),
        ({"id": 7, "email": "ann@example.org"}, "ann@example.org"),
        ({"id": 7}, "7"),
        (None, "label-studio"),
    ],
)
def test_an_annotator_is_an_id_an_address_or_an_object(who: Any, rater: str) -> None:
    said = label(label_studio, **task(annotation(picked("A"), completed_by=who)))

    assert said.rater == rater


def test_a_cancelled_annotation_is_no_label_and_is_counted_as_dropped() -> None:
    found = pair(
        label_studio,
        **task(
            annotation(picked("A"), was_cancelled=True),
            annotation(completed_by=8),
            annotation(picked("B"), completed_by=9),
        ),
    )

    assert [one.rater for one in found.labels] == ["9"]
    assert found.dropped == ("annotations (cancelled)", "annotations (without an answer)")


def test_ground_truth_is_gold_and_what_was_typed_a_comment() -> None:
    found = pair(
        label_studio,
        **task(
            annotation(
                picked("B"), control("textarea", {"text": ["One.", "Two."]}), ground_truth=True
            )
        ),
    )

    assert found.gold == "b"
    assert found.labels[0].comment == "One.\nTwo."


def test_ground_truths_that_contradict_are_none() -> None:
    found = pair(
        label_studio,
        **task(
            annotation(picked("A"), ground_truth=True),
            annotation(picked("B"), ground_truth=True, completed_by=8),
        ),
    )

    assert found.gold is None
    assert found.dropped == ("ground_truth (several that contradict)",)


def test_a_prediction_is_a_judges_label() -> None:
    prediction = {
        "model_version": "judge-1",
        "score": 0.8,
        "result": [control("pairwise", {"selected": "right"})],
    }

    found = pair(label_studio, **task(predictions=[prediction]))

    [said] = found.labels
    assert (said.rater, said.kind, said.choice) == ("judge-1", "judge", "b")
    assert found.metadata["prediction_scores"] == {"judge-1": 0.8}


def test_a_prediction_in_unknown_words_does_not_cost_the_labels_of_people() -> None:
    found = pair(
        label_studio,
        **task(annotation(picked("A")), predictions=[{"result": [picked("Meh")]}]),
    )

    assert choices([found]) == [["a"]]
    assert found.dropped == ("predictions (without a known choice)",)


def test_a_task_with_one_answer_is_a_completion_with_thumbs() -> None:
    found = record(
        label_studio,
        **task(
            annotation(picked("Good")),
            annotation(picked("bad"), completed_by=8),
            data={"prompt": "Why?", "response": "Because.", "model": "m1"},
        ),
    )

    assert isinstance(found, CompletionRecord)
    assert (found.completion, found.model) == ("Because.", "m1")
    assert [(one.rater, one.good) for one in found.labels] == [("7", True), ("8", False)]


def test_what_the_task_says_beyond_is_kept() -> None:
    data = {
        "prompt": [{"role": "user", "content": "Why?"}],
        "response_a": "Because.",
        "response_b": "No idea.",
        "model_a": "m1",
        "category": "physics",
        "seed": 3,
    }

    found = pair(label_studio, **task(data=data, project=12))

    assert (found.domain, found.model_a) == ("physics", "m1")
    assert found.metadata == {"project": 12, "seed": 3}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (task(data={"prompt": "Why?"}), "data: names no two answers; its fields: prompt"),
        (task(data={"answer1": "x", "answer2": "y"}), "data: names no prompt"),
        (task(data=3), "data: must be an object"),
        (task(annotations=3), "annotations: must be a list of objects, got int"),
        (task(annotation(result={"x": 1})), "annotations.0.result: must be a list of objects"),
        (task(annotation(control("choices", None))), "annotations.0.result.0.value: must be"),
        (
            task(annotation(control("choices", {"choices": ["A", "B"]}))),
            "annotations.0.result.0: must be one choice, got ['A', 'B']",
        ),
        (task(annotation(picked("A"), created_at="soon")), "created_at: got 'soon'"),
    ],
)
def test_a_bad_task_is_refused_with_what_is_wrong(row: dict[str, Any], said: str) -> None:
    assert said in reason(label_studio, **row)


def test_a_file_of_two_annotators_a_judge_and_one_ground_truth() -> None:
    pairs = example_pairs("label-studio.json", label_studio)

    assert choices(pairs) == [["a", "a"], ["a", "b", "a"], ["a", "a"], ["a", "a", "a"], ["a", "a"]]
    assert [one.gold for one in pairs] == [None, None, None, "a", None]
    assert {(one.rater, one.kind) for found in pairs for one in found.labels} == {
        ("1", "human"),
        ("2", "human"),
        ("judge-1", "judge"),
    }
    assert {one.dropped for one in pairs} == {("annotations (cancelled)",)}


def test_a_file_of_choices_by_name() -> None:
    pairs = example_pairs("label-studio-choices.json", label_studio)

    assert choices(pairs) == [["a"], ["b"], ["equal"], ["both_bad"], ["a"]]
    assert {one.labels[0].comment for one in pairs} == {"because it says how"}
    assert {one.labels[0].rater for one in pairs} == {"ann@example.org"}
