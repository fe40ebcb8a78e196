"""Completions are hostile input: Markdown to HTML of which nothing can be executed or loaded.

Raw HTML is shown as text, images become their address, LaTeX becomes MathML, code is highlighted
by class names; what is left goes through nh3 with an allow-list.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import latex2mathml.converter
import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

MAX_CHARACTERS = 200_000
"""Longer texts are cut for display, and say so."""

MAX_HIGHLIGHTED_CHARACTERS = 20_000
MAX_LATEX_CHARACTERS = 2_000

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
    "code": {"class"},
    "span": {"class"},
    "div": {"class"},
    "math": {"display", "xmlns"},
    "mo": {"stretchy", "fence", "separator", "form"},
    "mi": {"mathvariant"},
    "mtable": {"columnalign"},
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
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    if len(text) > MAX_CHARACTERS:
        safe += f'<p class="text-secondary">… {len(text) - MAX_CHARACTERS} more characters</p>'
    return mark_safe(safe)  # noqa: S308 -- cleaned by nh3 just above


def _image_as_text(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: Any, env: Any
) -> str:
    token = tokens[idx]
    alternative = self.renderInlineAsText(token.children or [], options, env)
    address = str(token.attrs.get("src", ""))
    return f"<code>[image: {html.escape(alternative)} {html.escape(address)}]</code>"


def _highlighted(code: str, language: str, _attributes: str) -> str:
    """Pygments by class names; an empty answer leaves the escaping to markdown-it."""
    if not language or len(code) > MAX_HIGHLIGHTED_CHARACTERS:
        return ""
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return ""
    return str(highlight(code, lexer, HtmlFormatter(nowrap=True)))


def _math(content: str, options: dict[str, Any]) -> str:
    """MathML, or the source where it is no LaTeX that the converter reads."""
    display = "block" if options.get("display_mode") else "inline"
    source = f"<code>{html.escape(content)}</code>"
    if len(content) > MAX_LATEX_CHARACTERS:
        return source
    try:
        return str(latex2mathml.converter.convert(content, display=display))
    except Exception:  # noqa: BLE001 -- the converter raises whatever its parser met
        return source


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt(
        "commonmark", {"html": False, "highlight": _highlighted, "maxNesting": 20}
    ).enable(["table", "strikethrough"])
    markdown.use(dollarmath_plugin, renderer=_math, allow_digits=False, double_inline=True)
    markdown.add_render_rule("image", _image_as_text)
    return markdown


MARKDOWN = _markdown()
