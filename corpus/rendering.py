"""Completions are hostile input: Markdown to HTML of which nothing can be executed or loaded.

Raw HTML is shown as text, images become a placeholder with their name, LaTeX becomes MathML, code
is highlighted by class names; what is left goes through nh3 with an allow-list.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from corpus.maths import maths_plugin

MAX_CHARACTERS = 200_000
"""Longer texts are cut for display, and say so."""

MAX_HIGHLIGHTED_CHARACTERS = 20_000
MAX_ADDRESS_CHARACTERS = 80
"""Of an image's address."""

DATA = re.compile(r"(data:[\w/+.-]{1,60};base64,)([A-Za-z0-9+/=_-]{40,})")
TASK = re.compile(r"\[([ xX])\]\s+")

TEXT_TAGS = {
    *("p", "br", "hr", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
    *("span", "div"),
}
MATH_TAGS = {
    *("math", "mrow", "mi", "mo", "mn", "ms", "mtext", "mspace", "mfrac", "msqrt", "mroot"),
    *("msup", "msub", "msubsup", "mover", "munder", "munderover", "mtable", "mtr", "mtd"),
    *("mstyle", "mpadded", "mphantom", "menclose", "mmultiscripts", "mprescripts", "none"),
}
ATTRIBUTES = {
    "a": {"href", "title"},
    "ol": {"start"},
    "li": {"class"},
    "code": {"class"},
    "span": {"class"},
    "div": {"class"},
    "math": {"display", "xmlns"},
    "mo": {"stretchy", "fence", "separator", "form"},
    "mi": {"mathvariant"},
    "mtable": {"columnalign", "displaystyle"},
    "mtd": {"columnalign"},
    "mstyle": {"displaystyle", "scriptlevel"},
    "menclose": {"notation"},
    "mspace": {"width"},
    "mover": {"accent"},
}


def render_markdown(text: str) -> SafeString:
    """Markdown, code and LaTeX as safe HTML.

    Texts beyond MAX_CHARACTERS are cut, which the output says; nothing raises on any input.
    """
    cut = text[:MAX_CHARACTERS]
    safe = nh3.clean(
        MARKDOWN.render(cut),
        tags=TEXT_TAGS | MATH_TAGS,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer",
        attribute_filter=_leads_away,
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    if len(text) > MAX_CHARACTERS:
        safe += f'<p class="text-secondary">… {len(text) - MAX_CHARACTERS} more characters</p>'
    return mark_safe(safe)  # noqa: S308 -- cleaned by nh3 just above


def _image_as_text(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: Any, env: Any
) -> str:
    """An image's name, and where it would come from; never its data."""
    token = tokens[idx]
    name = self.renderInlineAsText(token.children or [], options, env).strip()
    words = f"Image not loaded: {name}" if name else "Image not loaded"
    address = str(token.attrs.get("src", ""))
    if address.lower().startswith(("http://", "https://")):
        if len(address) > MAX_ADDRESS_CHARACTERS:
            address = f"{address[:MAX_ADDRESS_CHARACTERS]}…"
        words += f" ({address})"
    return f'<span class="image-placeholder">{html.escape(words)}</span>'


def _text(self: RendererHTML, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
    """Text, without the data of an image that is no Markdown image."""
    short = DATA.sub(
        lambda found: f"{found[1]}… ({len(found[2]):,} characters)", tokens[idx].content
    )
    return html.escape(short)


def _table_open(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: Any, env: Any
) -> str:
    return '<div class="prose-table"><table>\n'


def _table_close(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: Any, env: Any
) -> str:
    return "</table></div>\n"


def _tasks(state: StateCore) -> None:
    """List items that begin with [ ] or [x] become tasks, open or done."""
    for item, paragraph, inline in zip(
        state.tokens, state.tokens[1:], state.tokens[2:], strict=False
    ):
        if item.type != "list_item_open" or paragraph.type != "paragraph_open":
            continue
        first = inline.children[0] if inline.children else None
        if first is None or first.type != "text" or not (found := TASK.match(first.content)):
            continue
        box = Token("task_box", "span", 0)
        box.content = "☐" if found[1] == " " else "☑"
        first.content = first.content[found.end() :]
        inline.children = [box, *(inline.children or [])]
        item.attrSet("class", "task-item")


def _task_box(self: RendererHTML, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
    return f'<span class="task-box">{tokens[idx].content}</span> '


def _highlighted(code: str, language: str, _attributes: str) -> str:
    """Pygments by class names; an empty answer leaves the escaping to markdown-it."""
    if not language or len(code) > MAX_HIGHLIGHTED_CHARACTERS:
        return ""
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return ""
    return str(highlight(code, lexer, HtmlFormatter(nowrap=True)))


def _leads_away(tag: str, attribute: str, value: str) -> str | None:
    """An address without a scheme would lead to a page of ours, where nobody meant it to lead."""
    if (tag, attribute) != ("a", "href"):
        return value
    return value if value.lower().startswith(LINKED_SCHEMES) else None


LINKED_SCHEMES = ("http://", "https://", "mailto:")


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt(
        "commonmark", {"html": False, "highlight": _highlighted, "maxNesting": 20}
    ).enable(["table", "strikethrough"])
    markdown.use(maths_plugin)
    markdown.core.ruler.after("inline", "tasks", _tasks)
    for name, rule in (
        ("image", _image_as_text),
        ("text", _text),
        ("table_open", _table_open),
        ("table_close", _table_close),
        ("task_box", _task_box),
    ):
        markdown.add_render_rule(name, rule)
    # An image's data is not shown, so it may be an image; of a link nh3 takes the address away.
    # An image's data is not shown, so it may be an image; of a link nh3 takes the address away.
    link = markdown.validateLink
    markdown.validateLink = lambda url: url.lower().startswith("data:") or link(url)  # type: ignore[method-assign]
    return markdown


MARKDOWN = _markdown()
