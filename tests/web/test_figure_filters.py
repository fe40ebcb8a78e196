"""Figures on pages: what is missing is a dash, wherever it is missing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.template import Context, Template

MISSING: list[object] = [None, "", float("nan"), float("inf"), float("-inf"), {}]


@pytest.mark.parametrize("filter_and_dash", [("percent", "–"), ("percent:0", "–"),
    ("decimals", "–"), ("decimals:2", "–"), ("duration", "–"), ("share_of_100", "0")])  # fmt: skip
@pytest.mark.parametrize("value", MISSING)
def test_a_figure_that_is_missing_is_a_dash(
    value: object, filter_and_dash: tuple[str, str]
) -> None:
    name, dash = filter_and_dash
    template = Template("{% load corpus_tags %}{{ value|" + name + " }}")
    assert template.render(Context({"value": value})) == dash


@pytest.mark.parametrize("path", ["nothing", "row.nothing", "row.none.deeper", "row.none"])
def test_what_a_template_does_not_find_is_a_dash(path: str) -> None:
    for name in ("percent", "decimals:3", "duration"):
        template = Template("{% load corpus_tags %}{{ " + path + "|" + name + " }}")
        assert template.render(Context({"row": {"none": None}})) == "–"


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0.0 %"), (1, "100.0 %"), (0.125, "12.5 %"), (Decimal("0.5"), "50.0 %")],
)
def test_a_share_is_a_percentage(value: float, words: str) -> None:
    assert Template("{% load corpus_tags %}{{ v|percent }}").render(Context({"v": value})) == words
