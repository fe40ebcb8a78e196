"""A dataset version in sentences and bars, from its manifest alone."""

from __future__ import annotations

from typing import Any

import pytest

from exports.showing.summary import Bar, headline, left_out, outcome, split_said, strata


def manifest(train: int = 0, validation: int = 0, test: int = 0, **more: Any) -> dict[str, Any]:
    splits = {"train": train, "validation": validation, "test": test}
    return {"splits": {name: {"rows": rows} for name, rows in splits.items()}, **more}


def raters(human: int, judge: int) -> list[dict[str, str]]:
    return [{"name": f"r{n}", "kind": "human"} for n in range(human)] + [
        {"name": f"j{n}", "kind": "judge"} for n in range(judge)
    ]


@pytest.mark.parametrize(
    ("human", "judge", "labels", "said"),
    [
        (2, 0, 1_200, "1,000 pairs with a preferred answer, from 1,200 labels by 2 people."),
        (1, 1, 1, "1,000 pairs with a preferred answer, from 1 label by 1 person and 1 AI judge."),
        (0, 3, 5, "1,000 pairs with a preferred answer, from 5 labels by 3 AI judges."),
    ],
)
def test_a_preference_set_says_how_many_pairs_from_whom(
    human: int, judge: int, labels: int, said: str
) -> None:
    about = manifest(900, 100, labels={"count": labels, "raters": raters(human, judge)})
    assert headline("preference", about) == said


def test_an_sft_set_says_what_its_answers_are() -> None:
    about = manifest(5, strata={"role": {"helpful": 2, "revision": 3}})
    assert headline("sft", about) == (
        "5 prompts, each with an answer: 3 the model's own revisions and 2 helpful responses "
        "mixed in."
    )
    assert headline("sft", manifest(1)) == "1 prompt, each with an answer."


@pytest.mark.parametrize(
    ("about", "said"),
    [
        (manifest(8, 1, 1), "8 are for training, 1 for validation and 1 for testing; no prompt is "
         "in two splits. Nothing was left out."),
        (manifest(8), "All are for training; nothing is held out. Nothing was left out."),
        (manifest(1, 0, 7, dropped={"tie": 1}), "1 is for training and 7 for testing; no prompt is "
         "in two splits. 1 other pair was left out (a tie)."),
        (manifest(2, dropped={"tie": 2, "no_label": 1_000}), "All are for training; nothing is "
         "held out. 1,002 other pairs were left out (most often: no label)."),
        ({}, "Nothing was left out."),
    ],
)  # fmt: skip
def test_the_split_and_what_was_left_out_are_said(about: dict[str, Any], said: str) -> None:
    assert split_said("preference", about) == said


def test_the_parts_of_the_bar_stand_side_by_side_and_fill_it() -> None:
    parts = outcome(manifest(70, 20, 0, dropped={"tie": 6, "both_bad": 4}))
    assert [(part.key, part.rows, part.start, part.width) for part in parts] == [
        ("train", 70, 0, 70),
        ("validation", 20, 70, 20),
        ("left", 10, 90, 10),
    ]
    assert outcome({}) == []


def test_reasons_come_commonest_first_with_their_share() -> None:
    assert left_out(manifest(1, dropped={"tie": 1, "both_bad": 3, "no_label": 0})) == [
        Bar("both responses are bad", 3, 0.75),
        Bar("a tie", 1, 0.25),
    ]


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.5, "50 %"), (0.0048, "0.5 %"), (0.993, "99 %"), (0.997, "99.7 %"), (1.0, "100 %")],
)
def test_few_are_never_none_and_most_never_all(share: float, said: str) -> None:
    assert Bar("x", 1, share).said == said


def test_strata_have_bars_where_they_divide_and_one_line_where_they_do_not() -> None:
    divided, alike = strata(
        {
            "strata": {
                "origin": {"import": 10},
                "source": {"": 10},
                "domain": {f"d{n}": n for n in range(1, 12)},
                "language": {"en": 9, "": 1},
                "role": {},
            },
            "strata_findings": [
                {"dimension": "language", "stratum": "en", "fault": "over 40 %"},
                {"dimension": "language", "stratum": "not specified", "fault": "over 5 %"},
            ],
        }
    )
    assert alike == "The same for all: origin import. Not given: source."
    assert [(one.name, len(one.bars), one.more) for one in divided] == [
        ("domain", 8, 3),
        ("language", 2, 0),
    ]
    assert divided[0].bars[0] == Bar("d11", 11, 1 / 6)
    assert divided[1].bars == [
        Bar("en", 9, 0.9, "over 40 %"),
        Bar("not specified", 1, 0.1, "over 5 %"),
    ]
