"""Prompts that call tools, on the pages that show them."""

from __future__ import annotations

import html

import pytest
from django.test import Client

from corpus.models import Prompt
from corpus.templatetags.corpus_tags import conversation
from tests.builders import TOOL_TURNS, Cast, make_cast, make_tool_pair

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(client: Client) -> Cast:
    return make_cast()


def test_a_rater_sees_who_speaks_what_is_called_and_what_comes_back(
    client: Client, cast: Cast
) -> None:
    make_tool_pair(cast.project, slots=1)
    client.force_login(cast.alice)

    page = html.unescape(client.get("/projects/harbour/label/").content.decode())

    assert '<div class="subheader mb-1">developer</div>' in page
    assert "Calls <code>forecast</code>" in page
    assert '<code>{\n  "city": "Lyon",\n  "days": 2\n}</code>' in page
    assert 'aria-label="Answer of the tool forecast"' in page
    assert '<code>{\n  "rain": 0.8\n}</code>' in page


def test_the_pair_and_its_prompt_show_the_same(client: Client, cast: Cast) -> None:
    pair = make_tool_pair(cast.project)
    client.force_login(cast.dan)

    for address in (f"pairs/{pair.pk}", f"prompts/{pair.prompt_id}"):
        page = client.get(f"/projects/harbour/{address}/", follow=True)
        assert page.status_code == 200, address
        assert b"Calls <code>forecast</code>" in page.content


def test_what_a_tool_is_given_or_answers_is_never_markup() -> None:
    attack = "<script>alert(1)</script>"
    turns = [
        {
            **TOOL_TURNS[2],
            "tool_calls": [{"type": "function", "function": {"name": attack, "arguments": attack}}],
        },
        {"role": "tool", "content": attack, "name": attack},
    ]
    from django.template.loader import render_to_string

    page = render_to_string("corpus/_turns.html", conversation(turns))

    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 5


def test_a_prompt_is_called_by_what_was_asked_last_or_by_its_call() -> None:
    assert str(Prompt(messages=TOOL_TURNS)) == "Will it rain in Lyon?"
    assert str(Prompt(messages=TOOL_TURNS[2:3])) == 'forecast {"city": "Lyon", "days": 2}'
