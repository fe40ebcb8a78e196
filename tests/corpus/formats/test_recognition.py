"""Which format a file is in is told from its rows, and only one claims each."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from corpus.importers.files.opening import rows_of
from corpus.importers.reading import Row, RowError
from corpus.importers.records import PairRecord
from corpus.importers.registry import FORMATS, detect_format, parse_rows, recognised
from tests.corpus.formats.rows import OTHER_SHAPES, ROWS, changed

EXAMPLES = Path(settings.BASE_DIR).parent / "shared/data/formats"

FILES = {
    # file: format, records, lines that are refused
    "axolotl-chat-dpo.jsonl": ("axolotl-chat-dpo", 5, []),
    "llamafactory-alpaca-dpo.json": ("llamafactory-alpaca-dpo", 5, []),
    "llamafactory-kto.json": ("llamafactory-kto", 5, []),
    "llamafactory-sharegpt-dpo.json": ("llamafactory-sharegpt-dpo", 5, []),
    "math-shepherd.jsonl": ("math-shepherd", 1, []),
    "messages-sft.jsonl": ("messages-sft", 5, []),
    "nectar.jsonl": ("nectar", 5, []),
    "openrlhf-preference.jsonl": ("openrlhf-preference", 5, []),
    "pairs-as-people-write-them.jsonl": ("pairs", 3, []),
    "prm800k.jsonl": ("prm800k", 2, []),
    "tools.jsonl": ("pairs", 1, [2]),
    "trl-preference-conversational.jsonl": ("trl-preference", 5, []),
    "trl-preference-implicit.jsonl": ("trl-preference", 5, [6]),
    "trl-preference-plain.jsonl": ("trl-preference", 5, []),
    "trl-stepwise.jsonl": ("trl-stepwise", 2, []),
    "trl-unpaired.jsonl": ("trl-unpaired", 10, []),
    "ultrafeedback-binarized.jsonl": ("ultrafeedback-binarized", 5, []),
    "ultrafeedback.jsonl": ("ultrafeedback", 5, []),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_recognised_as_its_own_format_alone(name: str) -> None:
    assert [one.NAME for one in recognised([ROWS[name]])] == [name]


@pytest.mark.parametrize("shape", OTHER_SHAPES)
def test_a_row_in_another_shape_is_recognised_too_and_gives_records(shape: str) -> None:
    name, row = OTHER_SHAPES[shape]

    assert [one.NAME for one in recognised([row])] == [name]
    assert FORMATS[name].parse(Row(1, row, "mine.jsonl"))


@pytest.mark.parametrize("name", ROWS)
def test_a_row_of_each_format_gives_records_that_name_the_file(name: str) -> None:
    records = FORMATS[name].parse(Row(7, ROWS[name], "mine.jsonl"))

    assert records
    assert name == "pairs" or all(one.source in ("mine.jsonl", "own") for one in records)


@pytest.mark.skipif(not EXAMPLES.exists(), reason="needs the example files")
@pytest.mark.parametrize("file", FILES)
def test_an_example_file_is_found_to_be_in_its_format_and_goes_in(file: str) -> None:
    name, records, refused = FILES[file]
    path = EXAMPLES / file

    found = detect_format(rows_of(path), file)
    lines = list(parse_rows(rows_of(path), found, file))

    assert name == found.NAME
    assert sum(len(line.records) for line in lines) == records
    assert [line.line for line in lines if line.reason] == refused


@pytest.mark.skipif(not EXAMPLES.exists(), reason="needs the example files")
def test_the_refused_lines_of_the_examples_say_why() -> None:
    def reason(file: str, name: str) -> str:
        lines = parse_rows(rows_of(EXAMPLES / file), FORMATS[name], file)
        return next(line.reason for line in lines if line.reason)

    assert reason("tools.jsonl", "pairs") == ("prompt.0: holds an image; only text can be labelled")
    assert reason("trl-preference-implicit.jsonl", "trl-preference") == (
        "chosen and rejected differ in turn 1, before the answer"
    )


def test_a_table_of_questions_with_two_answers_is_no_format_of_ours() -> None:
    row = {"system": "", "question": "Why?", "chosen": "So.", "rejected": "No."}

    assert recognised([row]) == []


def test_the_marks_of_a_binarized_row_outweigh_its_shape() -> None:
    row = changed("ultrafeedback-binarized", messages=...)

    assert [one.NAME for one in recognised([row])] == ["trl-preference"]


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("trl-preference", {"prompt": 5}, "prompt: must be a text or a list of messages, got int"),
        ("trl-preference", {"prompt": "  "}, "prompt: is empty"),
        ("trl-preference", {"rejected": ...}, "rejected: must be a text or a message, got nothing"),
        ("trl-preference", {"rejected": [{"role": "user", "content": "x"}]}, "one message of the"),
        ("trl-preference", {"chosen": "x", "rejected": "x"}, "identical"),
        ("trl-preference", {"prompt": ..., "chosen": "Yes", "rejected": "No"}, "begin alike"),
        ("ultrafeedback-binarized", {"prompt": "Else?"}, "the prompt is not to be found"),
        ("trl-unpaired", {"label": "yes"}, "label: must be true or false, got str"),
        ("trl-unpaired", {"completion": [1]}, "completion.0: must be a message"),
        ("llamafactory-kto", {"label": ...}, "label: must be true or false, got nothing"),
        ("llamafactory-kto", {"messages": ...}, "there are no messages"),
        ("llamafactory-kto", {"messages": [{"role": "user", "content": "x"}]}, "not of the assis"),
        ("llamafactory-alpaca-dpo", {"history": [["x"]]}, "history.0: must be [question, answer]"),
        ("llamafactory-alpaca-dpo", {"system": 5}, "system: must be a string, got int"),
        ("llamafactory-sharegpt-dpo", {"conversations": []}, "conversations: must be a list"),
        ("axolotl-chat-dpo", {"chosen": {"role": "assistant"}}, "chosen.0"),
        ("openrlhf-preference", {"input": None}, "input: must be a text"),
        ("messages-sft", {"messages": [{"role": "user", "content": "x"}]}, "not of the assistant"),
        ("messages-sft", {"messages": [{"role": "assistant", "content": "x"}]}, "no prompt before"),
        ("prompt-completion", {"completion": ...}, "completion: must be a text or a message"),
        ("trl-stepwise", {"labels": [True, 5]}, "labels.1: must be true or false"),
        ("math-shepherd", {"label": "What is 6 × 7 + 1? Step"}, "before mark 1"),
        ("math-shepherd", {"input": "x ки", "label": "x +"}, "'Step 1:' is missing"),
        ("math-shepherd", {"input": "x", "label": "x"}, "has no mark"),
        ("prm800k", {"question": "What?"}, "question: must be an object"),
        ("prm800k", {"label": {"steps": [{"completions": [{}]}]}}, "must be an object with a text"),
        ("nectar", {"prompt": "Why?"}, "prompt: does not start with a Human"),
        ("nectar", {"answers": [{"rank": 1}]}, "answers.0: has no text"),
        ("rankings", {"completions": ["x"]}, "there are no answers with ranks or scores"),
        ("ultrafeedback", {"completions": [{"response": 5}]}, "completions.0.response: must be"),
    ],
)
def test_a_row_that_holds_no_record_says_what_is_wrong_and_where(
    name: str, changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(RowError) as refused:
        FORMATS[name].parse(Row(1, changed(name, **changes), "f"))

    assert reason in str(refused.value)


def test_what_a_row_says_beyond_its_format_is_kept() -> None:
    row = changed(
        "trl-preference", domain="maps", id=4, ticket=[1], metadata={"seen": True}, rater="kim"
    )

    record = FORMATS["trl-preference"].parse(Row(1, row, "f"))[0]

    assert isinstance(record, PairRecord)
    assert (record.domain, record.id) == ("maps", "4")
    assert record.metadata == {"seen": True, "ticket": [1]}
    assert record.labels[0].rater == "kim"
