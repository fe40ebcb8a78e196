"""Formats with one answer a row: with a thumb, with labels of its steps, or as an example."""

from __future__ import annotations

from typing import Any

import pytest

from corpus.importers.reading import Row
from corpus.importers.records import CompletionRecord, DemonstrationRecord, StepsRecord
from corpus.importers.registry import FORMATS
from tests.corpus.formats.rows import CALL, GOOD, ROWS, SYSTEM, TOLD, USER, changed


def read(name: str, **changes: Any) -> list[Any]:
    return FORMATS[name].parse(Row(3, changed(name, **changes), "f"))


@pytest.mark.parametrize("name", ["trl-unpaired", "llamafactory-kto"])
@pytest.mark.parametrize("good", [True, False])
def test_a_label_is_a_thumb(name: str, good: bool) -> None:
    (record,) = read(name, label=good)

    assert isinstance(record, CompletionRecord)
    assert (record.messages(), record.completion) == ([USER], GOOD["content"])
    assert [(one.rater, one.good) for one in record.labels] == [(name, good)]


def test_an_answer_without_a_label_waits_for_one() -> None:
    (record,) = read("trl-unpaired", label=None)

    assert record.labels == ()


def test_a_kto_tag_stands_with_any_of_the_three_layouts() -> None:
    alpaca = {"instruction": "Name", "input": "rivers", "output": "Rhine.", "kto_tag": False}
    sharegpt = {
        "conversations": [
            {"from": "human", "value": "Name rivers"},
            {"from": "gpt", "value": "Rhine."},
        ],
        "kto_tag": False,
    }
    found = [FORMATS["llamafactory-kto"].parse(Row(1, row, "f"))[0] for row in (alpaca, sharegpt)]

    assert [one.prompt[0].content for one in found] == ["Name\nrivers", "Name rivers"]
    assert all(isinstance(one, CompletionRecord) and not one.labels[0].good for one in found)


@pytest.mark.parametrize("name", ["prompt-completion", "messages-sft"])
def test_an_answer_without_a_judgement_is_a_demonstration(name: str) -> None:
    (record,) = read(name)

    assert isinstance(record, DemonstrationRecord)
    assert record.prompt[-1].content == USER["content"]
    assert record.completion == GOOD["content"]


def test_the_last_answer_of_a_conversation_is_the_demonstration() -> None:
    (record,) = read("messages-sft", messages=[SYSTEM, USER, CALL, TOLD, GOOD])

    assert [turn.role for turn in record.prompt] == ["system", "user", "assistant", "tool"]
    assert record.completion == GOOD["content"]


def test_an_answer_that_calls_a_tool_is_shown_as_the_call() -> None:
    (record,) = read("messages-sft", messages=[USER, CALL])

    assert record.completion == '{"name": "rivers", "arguments": {"n": 3}}'


def test_steps_are_right_or_wrong() -> None:
    (record,) = read("trl-stepwise")

    assert isinstance(record, StepsRecord)
    assert record.steps == ("12² is 144.", "144 − 4 is 150.")
    assert record.labels[0].values == (1, -1)


def test_steps_and_labels_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="1 labels for 2 steps"):
        read("trl-stepwise", labels=[True])


def test_marks_in_the_text_are_the_labels_of_a_judge() -> None:
    (record,) = read("math-shepherd")

    assert record.messages() == [{"role": "user", "content": "What is 6 × 7 + 1?"}]
    assert record.steps == ("Step 1: 6 × 7 = 42.", "Step 2: 42 + 1 = 44.")
    assert (record.labels[0].kind, record.labels[0].values) == ("judge", (1, -1))
    assert record.metadata == {"task": "GSM8K"}


def test_a_step_without_a_mark_has_no_label() -> None:
    (record,) = read("math-shepherd", input="Q Step 1: a ки b", label="Q Step 1: a + b")

    assert (record.steps, record.labels[0].values) == (("Step 1: a", "b"), (1, None))


def test_the_chosen_path_and_each_alternative_are_an_answer() -> None:
    records = read("prm800k")

    assert [(one.steps, one.labels[0].values) for one in records] == [
        (("7² is 49.", "49 − 9 = 40."), (1, 1)),
        (("7² is 14.",), (-1,)),
        (("Let me see.",), (0,)),
    ]
    assert [one.id for one in records] == ["3", "3:1.2", "3:1.3"]
    assert {one.labels[0].rater for one in records} == {"w1"}
    assert {one.reference for one in records} == {"40"}
    assert records[0].metadata["finish_reason"] == "solution"


def test_a_solution_that_was_given_up_is_its_rated_attempts_at_the_last_step() -> None:
    steps = ROWS["prm800k"]["label"]["steps"]
    ends = {"completions": [{"text": "49 − 9 = 30.", "rating": -1}], "chosen_completion": None}

    records = read("prm800k", label={"steps": [steps[0], ends]})

    assert (("7² is 49.", "49 − 9 = 30."), (1, -1)) in [
        (one.steps, one.labels[0].values) for one in records
    ]
    assert ("7² is 49.",) not in [one.steps for one in records]


def test_a_step_that_the_labeler_wrote_is_gone_on_from() -> None:
    steps = ROWS["prm800k"]["label"]["steps"]
    own = {
        "completions": [{"text": "7² is 47.", "rating": -1}],
        "human_completion": {"text": "7² is 49.", "rating": None},
        "chosen_completion": None,
    }

    records = read("prm800k", label={"steps": [own, steps[1]]})

    assert records[0].steps == ("7² is 49.", "49 − 9 = 40.")
    assert records[0].labels[0].values == (1, 1)
