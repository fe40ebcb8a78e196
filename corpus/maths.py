"""LaTeX in Markdown, told from money and from code, as chat products tell them.

`\\(…\\)` and `\\[…\\]` are always mathematics. A dollar opens a formula only where no space, digit
or letter stands against it on the wrong side, and never where what it holds reads like prose about
money. A formula neither contains a backtick nor goes on for more than MAX_LATEX_CHARACTERS.
"""

from __future__ import annotations

import html
import re
from typing import Any, NamedTuple

import latex2mathml.converter
from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

MAX_LATEX_CHARACTERS = 2_000
MAX_FORMULAS = 1_000
"""In one text; what comes after is shown as its source."""


class Fence(NamedTuple):
    opening: str
    closing: str
    display: bool


DOLLAR = Fence("$", "$", display=False)
DOLLARS = Fence("$$", "$$", display=True)
ROUND = Fence("\\(", "\\)", display=False)
SQUARE = Fence("\\[", "\\]", display=True)

INTERRUPTS: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}

ORDINAL = re.compile(r"(?:st|nd|rd|th|s)\b")
"""What may follow a formula without a space: the $n$th, the $x$s."""

TEXT_IN_LATEX = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mbox|operatorname)\*?\s*\{[^{}]*\}|\\[A-Za-z]+"
)
FUNCTIONS = r"sin|cos|tan|log|ln|exp|max|min|lim|mod|gcd|det|dim|arg"
PROSE_AFTER_A_NUMBER = re.compile(rf"[\s(](?!(?:{FUNCTIONS})\b)[A-Za-z]{{2,}}\b[^A-Za-z]*\S")
PROSE = re.compile(rf"(?:^|\s)(?:(?!(?:{FUNCTIONS})\b)[A-Za-z]{{2,}}[,;:]?\s+){{2}}")
CITATION = re.compile(r"[\d\s,–-]+")
MATHEMATICAL = re.compile(r"[\\^_=+<>]")

ENVIRONMENT = re.compile(
    r"\\(begin|end)\{(aligned|alignedat|align|gathered|gather|dcases|rcases)\*?\}"
)
KNOWN_ENVIRONMENT = {
    "aligned": "split",
    "alignedat": "split",
    "align": "align*",
    "gathered": "matrix",
    "gather": "matrix",
    "dcases": "cases",
    "rcases": "cases",
}
"""Environments that the converter lacks or numbers, by those that look the same."""


def maths_plugin(md: MarkdownIt) -> None:
    """Rules and renderers for formulas, inline and as blocks of their own."""
    md.inline.ruler.before("escape", "maths", _inline)
    md.block.ruler.before("fence", "maths_block", _block, INTERRUPTS)
    for name in ("maths", "maths_block"):
        md.add_render_rule(name, _render)


def to_mathml(latex: str, *, display: bool) -> str:
    """MathML, or the source where it is no LaTeX that the converter reads."""
    known = ENVIRONMENT.sub(
        lambda found: f"\\{found[1]}{{{KNOWN_ENVIRONMENT[found[2]]}}}", latex.strip()
    )
    try:
        return str(latex2mathml.converter.convert(known, display="block" if display else "inline"))
    except Exception:  # noqa: BLE001 -- the converter raises whatever its parser met
        return f"<code>{html.escape(latex)}</code>"


def _inline(state: StateInline, silent: bool) -> bool:
    fence = _opened_at(state.src, state.pos)
    if fence is None:
        return False
    start = state.pos + len(fence.opening)
    end = _closed_at(state.src, start, fence)
    if end is None or end > state.posMax:
        return False
    latex = state.src[start:end]
    if not latex.strip() or "`" in latex or not _reads_as_maths(state.src, start, end, fence):
        return False
    if not silent:
        token = state.push("maths", "math", 0)
        token.content, token.markup = latex, fence.opening
        token.meta["display"] = fence.display
    state.pos = end + len(fence.closing)
    return True


def _opened_at(src: str, pos: int) -> Fence | None:
    here = src[pos : pos + 3]
    if here.startswith("$$"):
        return None if here == "$$$" or src[max(0, pos - 1) : pos] == "$" else DOLLARS
    if here.startswith("$"):
        before, after = src[max(0, pos - 1) : pos], here[1:2]
        opens = not (before.isalnum() or before == "$") and after and not after.isspace()
        return DOLLAR if opens else None
    return next((fence for fence in (ROUND, SQUARE) if here.startswith(fence.opening)), None)


def _closed_at(src: str, start: int, fence: Fence) -> int | None:
    """Where the first closing mark stands that no backslash escapes."""
    end = start
    limit = start + MAX_LATEX_CHARACTERS
    while (end := src.find(fence.closing, end, limit + len(fence.closing))) >= 0:
        backslashes = len(src[start:end]) - len(src[start:end].rstrip("\\"))
        if backslashes % 2 == 0:
            return end
        end += 1
    return None


def _reads_as_maths(src: str, start: int, end: int, fence: Fence) -> bool:
    latex = src[start:end]
    if fence is DOLLARS:
        # Price levels, "$$ to $$$", are no formula; neither is what stands between two of them.
        if src[end + 2 : end + 3] == "$":
            return False
        loose = latex[0] == latex[-1] == " " and "\n" not in latex
        return (
            not loose
            or bool(MATHEMATICAL.search(latex))
            or not PROSE_AFTER_A_NUMBER.search(latex + ".")
        )
    if fence is SQUARE:
        # Brackets that were escaped to be brackets: a citation, or a link that is none.
        return not CITATION.fullmatch(latex) and src[end + 2 : end + 3] != "("
    if fence is ROUND:
        return True
    after = src[end + 1 : end + 4]
    if latex[-1].isspace() or "\n\n" in latex or after[:1] == "$":
        return False
    if after[:1].isalnum() and not ORDINAL.match(after):
        return False
    plain = TEXT_IN_LATEX.sub(" ", latex)
    return not (PROSE_AFTER_A_NUMBER if latex[0].isdigit() else PROSE).search(plain)


def _block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """A formula on lines of its own, whatever Markdown its lines would be otherwise."""
    if state.is_code_block(start_line):
        return False
    first = _line(state, start_line)
    fence = next((one for one in (DOLLARS, SQUARE) if first.startswith(one.opening)), None)
    if fence is None or first.startswith("$$$"):
        return False
    begins = state.bMarks[start_line] + state.tShift[start_line] + 2
    if state.src.find(fence.closing, begins, begins + 2 * MAX_LATEX_CHARACTERS) < 0:
        return False
    parts, size = [first[2:]], 0
    line = start_line
    while fence.closing not in parts[-1]:
        size += len(parts[-1])
        line += 1
        if line >= end_line or size > MAX_LATEX_CHARACTERS or state.sCount[line] < state.blkIndent:
            return False
        parts.append(_line(state, line))
    latex, closing, rest = "\n".join(parts).partition(fence.closing)
    if not latex.strip() or rest.strip(" .,;") or len(latex) > MAX_LATEX_CHARACTERS or not closing:
        return False
    if silent:
        return True
    token = state.push("maths_block", "math", 0)
    token.block = True
    token.content, token.markup = latex, fence.opening
    token.info = rest.strip()
    token.map = [start_line, line + 1]
    token.meta["display"] = True
    state.line = line + 1
    return True


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].rstrip()


def _render(self: Any, tokens: Any, idx: int, options: Any, env: Any) -> str:
    token = tokens[idx]
    env["formulas"] = env.get("formulas", 0) + 1
    if env["formulas"] > MAX_FORMULAS:
        shown = f"<code>{html.escape(token.content)}</code>"
    else:
        shown = to_mathml(token.content, display=token.meta["display"])
    if not token.meta["display"]:
        return f'<span class="maths">{shown}</span>'
    tag = "div" if token.block else "span"
    return f'<{tag} class="maths-display">{shown}{html.escape(token.info)}</{tag}>'
