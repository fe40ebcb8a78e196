"""Agreement in a sentence says no more than its figures do."""

from __future__ import annotations

from typing import Any

import pytest

from annotation.agreement.words import headline

NONE: dict[str, Any] = {"value": None, "low": None, "high": None, "n": 0, "reason": "no pairs"}


def figure(value: float, low: float | None, high: float | None, n: int = 420) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "n": n}


def report(alpha: dict[str, Any], share: dict[str, Any], *, of: str = "") -> dict[str, Any]:
    empty = {
        f"{who}{name}": NONE
        for who in ("", "all_", "judge_")
        for name in ("krippendorff_alpha", "raw_agreement")
    }
    return empty | {f"{of}krippendorff_alpha": alpha, f"{of}raw_agreement": share}


@pytest.mark.parametrize(
    ("alpha", "words"),
    [
        (figure(0.71, 0.66, 0.76), "is substantial: Krippendorff's α 0.71 (0.66 to 0.76) on 420 p"),
        (figure(0.2, 0.1, 0.3), "is slight: "),
        (figure(0.55, 0.5, 0.6), "is moderate: "),
        (figure(0.95, 0.9, 1.0), "is almost perfect: "),
        (figure(0.3, -0.1, 0.6), "cannot be distinguished from chance: "),
        (figure(-0.4, -0.6, -0.1), "is below chance: "),
        (
            figure(1.0, None, None, 1),
            "is still uncertain: Krippendorff's α 1.00 on 1 pair, ",
        ),
    ],
)
def test_a_word_is_given_only_where_the_interval_allows_it(
    alpha: dict[str, Any], words: str
) -> None:
    said = headline(report(alpha, figure(0.8, 0.7, 0.9)))

    assert said.first.startswith(f"Agreement among human raters {words}")
    assert said.beside.startswith("Two people who label the same pair give the same answer 80 %")


def test_judges_stand_beside_the_humans_and_never_in_their_place() -> None:
    alone = report(figure(0.5, 0.4, 0.6), figure(0.7, 0.6, 0.8), of="all_")

    assert headline(alone).first.startswith("No pair has labels from two people yet")
    assert headline(alone).others == (
        "All raters, including judges: α 0.50 (0.40 to 0.60) on 420 pairs."
    )
    both = report(figure(0.86, 0.8, 0.9), figure(0.9, 0.8, 0.95)) | {
        "all_krippendorff_alpha": figure(0.7, 0.6, 0.8, 900),
        "judge_krippendorff_alpha": figure(0.3, None, None, 1),
    }
    assert "α 0.86 (0.80 to 0.90)" in headline(both).first
    assert headline(both).others == (
        "All raters, including judges: α 0.70 (0.60 to 0.80) on 900 pairs. "
        "Judges only: α 0.30 on 1 pair."
    )


def test_nothing_stands_beside_humans_who_are_alone() -> None:
    alpha = figure(0.86, 0.8, 0.9)
    alone = report(alpha, figure(0.9, 0.8, 0.95)) | {"all_krippendorff_alpha": alpha}

    assert headline(alone).others == ""


def test_nothing_is_said_of_nothing() -> None:
    assert headline(report(NONE, NONE)).first.startswith("No pair has two labels yet")
    undefined = NONE | {"reason": "every label is the same"}
    said = headline(report(undefined, figure(1.0, 0.9, 1.0)))
    assert said[:2] == ("Chance-corrected agreement is undefined here.", "every label is the same")
