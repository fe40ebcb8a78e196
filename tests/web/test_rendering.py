"""Markdown, code and LaTeX as safe HTML."""

from __future__ import annotations

import re
import time

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


FORMULAS = (
    r"Euler: \(e^{i\pi}+1=0\).",
    "So\n\\[\nx = 1 \\\\\n- y\n= 2\n\\]\nholds.",
    "1. First\n\n   \\[\n   x\n   \\]\n2. Second",
    r"> \[ x \],",
    r"\[42\]",
    "$x^2$",
    "The $n$th of the $x_i$s",
    "$$\na\n\nb\n$$",
    "Text $$ x = 1 $$ goes on",
    "$5 + x$",
    "$2ab$",
    r"$10 \text{ km and more}$",
    r"$2 \sin x$",
    r"**\(x\)**",
    "| a |\n|---|\n| $x$ |",
)

NO_FORMULAS = (
    "It costs $5 or $10.",
    "It costs $5 and $10",
    "$5-$10, US$5 or (A$6)",
    "Pay $5 (or US$) now.",
    "Between $5 and 6$ each.",
    "I have $20, she has 20$ and",
    "$5, $6, and $7.",
    "R$ 5 e R$ 6",
    "$100k–$200k",
    "from $$ to $$$",
    "$$ (cheap) to $$ (dear)",
    "echo $HOME/$PATH and $x",
    "`$x$` and ``\\(y\\)``",
    "```\n\\(x\\) $x$\n\\[\ny\n\\]\n```",
    "    \\[x\\]",
    "if $a `b$ c`",
    r"\\(x\\) and \$x\$",
    r"\( \)",
    r"As shown \[1\] and \[2, 3\].",
    r"\[no link\](https://example.org)",
)


@pytest.mark.parametrize("text", FORMULAS)
def test_what_chat_products_take_for_a_formula_is_one(text: str) -> None:
    assert "<math" in render_markdown(text)


@pytest.mark.parametrize("text", NO_FORMULAS)
def test_money_code_and_escapes_are_no_formulas(text: str) -> None:
    assert "<math" not in render_markdown(text)


def test_aligned_equations_are_a_table_of_their_lines() -> None:
    html = render_markdown(r"\[\begin{aligned} a &= b \\ c &= d \end{aligned}\]")

    assert html.count("<mtr>") == 2
    assert "&amp;" not in html


MARKS = (
    *("$", "$$", "\\(", "\\)", "\\[", "\\]", "\\", "\n", " ", "`", "5", "x", "and ", "- [x] ", "|"),
    *("![", "](", "data:image/png;base64,", "<script>", "</math>", "<b a=", "\\text{", "}", "^"),
    *("\\href{javascript:alert(1)}", "_", "\\frac", "&", '"', "> "),
)
LATEX_LIKE = st.lists(st.sampled_from(MARKS), max_size=60).map("".join)


@given(LATEX_LIKE)
def test_no_mixture_of_marks_fails_or_lets_html_through(text: str) -> None:
    html = render_markdown(text)

    assert not re.search(r"<(script|img|b)\b", html)
    assert not re.search(r"<[a-z][^>]*\s(on\w+|style|src)=", html)
    assert not re.search(r'href="\s*(javascript|data)', html)


@pytest.mark.parametrize("mark", ["\\[\n", "$$\n", "\\(", "$a ", "$x$", "![a](data:"])
def test_marks_without_end_take_no_time_without_end(mark: str) -> None:
    start = time.process_time()

    render_markdown(mark * 10_000)

    assert time.process_time() - start < 10


def test_broken_latex_shows_its_source() -> None:
    assert "frac{1}{" in render_markdown("$\\frac{1}{$")


def test_links_leave_no_trace() -> None:
    html = render_markdown("[site](https://example.org) and [data](data:text/html;base64,AAAA)")

    assert 'rel="nofollow noopener noreferrer"' in html
    assert "data:" not in html


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("![cat](https://evil.example/p.png)", "loaded: cat (https://evil.example/p.png)<"),
        ("![a cat](data:image/png;base64,AAAA)", "Image not loaded: a cat<"),
        ("![](here.png)", "Image not loaded<"),
        (f"![s](data:image/svg+xml;base64,{'A' * 900})", "Image not loaded: s<"),
        (f'<img src="data:image/png;base64,{"A" * 900}">', "base64,… (900 characters)"),
    ],
)
def test_an_image_is_named_and_never_loaded_nor_spelt_out(text: str, words: str) -> None:
    html = render_markdown(text)

    assert words in html
    assert "<img" not in html
    assert "AAAA" not in html


def test_tasks_are_shown_open_and_done() -> None:
    html = render_markdown("- [ ] buy milk\n- [x] **sleep**\n- [y] neither\n- [x]")

    assert html.count('class="task-item"') == 2
    assert "☐</span> buy milk" in html
    assert "☑</span> <strong>sleep</strong>" in html
    assert "[y] neither" in html


def test_a_very_long_text_is_cut_and_says_so() -> None:
    assert "5 more characters" in render_markdown("a " * (MAX_CHARACTERS // 2) + "aaaaa")


@pytest.mark.parametrize("address", ["y", "/projects/x/", "//evil.example", "#top", "ftp://a.b"])
def test_a_link_that_leads_nowhere_or_into_our_own_pages_is_text(address: str) -> None:
    assert "href" not in render_markdown(f"[x]({address})")
    assert 'href="https://ok.example"' in render_markdown("[x](https://ok.example)")
