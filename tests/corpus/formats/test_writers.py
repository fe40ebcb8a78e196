"""What our writers write, our readers read as the same record."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.importers.formats import (
    messages_sft,
    pairs_jsonl,
    prompt_completion,
    trl_preference,
    trl_stepwise,
    trl_unpaired,
)
from corpus.importers.reading import Row, WriteError
from corpus.importers.records import (
    CompletionRecord,
    DemonstrationRecord,
    LabelRecord,
    PairRecord,
    Record,
    StepLabels,
    StepsRecord,
    ThumbRecord,
)
from tests.corpus.formats.rows import CALL, SYSTEM, TOLD, USER

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
words = st.text("abc é", min_size=1, max_size=8).filter(str.strip).map(str.strip)
numbers = st.floats(allow_nan=False, allow_infinity=False)
metadata = st.dictionaries(
    words.map("m_{}".format), st.none() | st.integers(-9, 9) | texts | st.lists(texts, max_size=2)
)
moments = st.datetimes(timezones=st.just(dt.UTC))
turns = st.sampled_from([[SYSTEM], [USER, CALL, TOLD], [{"role": "developer", "content": "x"}], []])
prompts = st.builds(
    lambda before, text: [*before, {"role": "user", "content": text}],
    turns,
    texts.filter(str.strip),
)
described: dict[str, Any] = {
    "prompt": prompts,
    "id": words | st.just(""),
    "domain": words | st.just(""),
    "difficulty": words | st.just(""),
    "source": words,
    "language": words | st.just(""),
    "reference": texts,
    "metadata": metadata,
}
models = st.none() | words
choices = st.sampled_from(["a", "b", "equal", "both_bad"])
human_labels = st.builds(
    LabelRecord,
    rater=words,
    choice=choices,
    strength=st.none() | st.integers(1, 3),
    margin=st.none() | numbers,
    criteria=st.dictionaries(words, choices, max_size=2),
    comment=texts,
    seconds=st.none() | st.floats(0, 1e6),
    created_at=st.none() | moments,
)
verdicts = st.builds(
    LabelRecord,
    rater=words,
    kind=st.just("judge"),
    choice=st.none() | choices,
    order=st.sampled_from(["ab", "ba"]),
    p_a=st.floats(0, 1),
)
answers = st.tuples(texts, texts).filter(lambda two: two[0] != two[1])


def read_back(one: Any, record: Record, source: str = "") -> Record:
    """The record, written as a line and read again."""
    line = json.loads(json.dumps(one.write(record), allow_nan=False))
    assert one.recognises([line]) == 1
    (found,) = one.parse(Row(1, line, source))
    return found  # type: ignore[no-any-return]


@st.composite
def pairs(draw: st.DrawFn, labels: st.SearchStrategy[Any]) -> PairRecord:
    one, other = draw(answers)
    return PairRecord(
        **{name: draw(values) for name, values in described.items()},
        response_a=one,
        response_b=other + ("!" if other.isspace() or one.strip() == other.strip() else ""),
        model_a=draw(models),
        model_b=draw(models),
        labels=draw(labels),
    )


@given(
    pairs(st.lists(human_labels, max_size=2) | st.lists(verdicts, max_size=1)),
    st.none() | st.dictionaries(words, numbers, max_size=2),
    st.none() | choices,
    metadata,
)
def test_a_pair_reads_back_whole(
    record: PairRecord, sampling: dict[str, float] | None, gold: Any, said: dict[str, Any]
) -> None:
    whole = record.model_copy(update={"sampling_a": sampling, "gold": gold, "metadata_b": said})

    assert read_back(pairs_jsonl, whole) == whole


@given(
    pairs(
        st.builds(
            lambda **label: (LabelRecord(**label),),
            rater=words,
            choice=st.sampled_from(["a", "b", "equal"]),
            margin=st.none() | numbers,
        )
    )
)
def test_a_preference_reads_back_with_its_choice_margin_and_models(record: PairRecord) -> None:
    found = read_back(trl_preference, record)

    assert isinstance(found, PairRecord)
    ours, theirs = _by_rank(record), _by_rank(found)
    label, read = record.labels[0], found.labels[0]
    if label.choice == "equal":
        ours, theirs = sorted(ours, key=str), sorted(theirs, key=str)
    assert ours == theirs
    assert (label.rater, label.choice == "equal") == (read.rater, read.choice == "equal")
    assert read.margin == (
        0.0 if label.choice == "equal" and label.margin is None else label.margin
    )
    assert all(getattr(found, name) == getattr(record, name) for name in (*described, "reference"))


def _by_rank(record: PairRecord) -> list[tuple[str, str | None]]:
    sides = [(record.response_a, record.model_a), (record.response_b, record.model_b)]
    return sides[::-1] if record.labels[0].choice == "b" else sides


@given(
    st.builds(
        CompletionRecord,
        **described,
        completion=texts,
        model=models,
        labels=st.lists(st.builds(ThumbRecord, rater=words, good=st.booleans()), max_size=1),
    )
)
def test_a_thumb_reads_back(record: CompletionRecord) -> None:
    line = trl_unpaired.write(record)

    assert trl_unpaired.parse(Row(1, json.loads(json.dumps(line)), "")) == [record]


@given(
    st.lists(st.tuples(texts, st.sampled_from([1, -1, None])), min_size=1, max_size=4),
    words,
    models,
    st.fixed_dictionaries(described),
)
def test_steps_read_back(
    said: list[tuple[str, Any]], rater: str, model: str | None, known: dict[str, Any]
) -> None:
    record = StepsRecord(
        **known,
        steps=tuple(text for text, _ in said),
        model=model,
        labels=(StepLabels(rater=rater, values=tuple(value for _, value in said)),),
    )

    line = json.loads(json.dumps(trl_stepwise.write(record)))

    assert trl_stepwise.parse(Row(1, line, "")) == [record]


@pytest.mark.parametrize("one", [prompt_completion, messages_sft])
@given(record=st.builds(DemonstrationRecord, **described, completion=texts, model=models))
def test_a_demonstration_reads_back(one: Any, record: DemonstrationRecord) -> None:
    assert read_back(one, record) == record


def test_what_a_format_cannot_hold_is_refused_and_not_bent() -> None:
    pair = PairRecord(prompt="q", response_a="x", response_b="y")  # type: ignore[arg-type]
    bad = pair.model_copy(update={"labels": (LabelRecord(rater="r", choice="both_bad"),)})
    steps = StepsRecord(
        prompt="q",  # type: ignore[arg-type]
        steps=("x",),
        labels=(StepLabels(rater="r", values=(0,)),),
    )
    thumbs = tuple(ThumbRecord(rater="r", good=good) for good in (True, False))
    twice = CompletionRecord(prompt="q", completion="x", labels=thumbs)  # type: ignore[arg-type]

    with pytest.raises(WriteError, match="needs one label, got 0"):
        trl_preference.write(pair)
    with pytest.raises(WriteError, match="no place for the choice 'both_bad'"):
        trl_preference.write(bad)
    with pytest.raises(WriteError, match="step 1 is neither right nor wrong"):
        trl_stepwise.write(steps)
    with pytest.raises(WriteError, match="one thumb a row, got 2"):
        trl_unpaired.write(twice)
