"""Markdown, code and LaTeX as safe HTML."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.rendering import MAX_CHARACTERS, render_markdown
from tests.web.hostile import HOSTILE


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_a_hostile_text_can_run_or_load(text: str) -> None:
    html = render_markdown(text)

    assert not re.search(r"<(script|img|iframe|style|object|form|svg)", html)
    assert not re.search(r"<[a-z][^>]*\s(on\w+|style|src)=", html)
    assert not re.search(r'href="\s*(javascript|data|vbscript)', html, re.IGNORECASE)


@given(st.text(max_size=300))
def test_any_text_renders_without_an_error_or_a_script(text: str) -> None:
    assert "<script" not in render_markdown(text)


def test_markdown_code_tables_and_latex_are_shown() -> None:
    html = render_markdown(
        "**bold** and $x^2$\n\n```python\ndef f(): return 1\n```\n\n| a |\n|---|\n| 1 |"
    )

    assert "<strong>bold</strong>" in html
    assert "<msup>" in html
    assert '<span class="k">def</span>' in html
    assert "<td>1</td>" in html


def test_prices_are_no_formulas() -> None:
    assert "<math" not in render_markdown("It costs $5 or $10.")


def test_broken_latex_shows_its_source() -> None:
    assert "frac{1}{" in render_markdown("$\\frac{1}{$")


def test_links_leave_no_trace_and_images_are_told_not_loaded() -> None:
    html = render_markdown("[site](https://example.org) ![cat](https://evil.example/p.png)")

    assert 'rel="nofollow noopener noreferrer"' in html
    assert "[image: cat https://evil.example/p.png]" in html
    assert "<img" not in html


def test_a_very_long_text_is_cut_and_says_so() -> None:
    assert "5 more characters" in render_markdown("a " * (MAX_CHARACTERS // 2) + "aaaaa")
