"""How much formatting a text has: headings, list items, bold, code blocks, tables. Pure."""

from __future__ import annotations

import re

_MARKS = re.compile(
    r"^[ ]{0,3}\#{1,6}[ ]"  # a heading
    r"|^[ \t]*(?:[-*+]|\d{1,3}[.)])[ ]+\S"  # a list item
    r"|^[ ]{0,3}(?:```|~~~)"  # the fence of a code block
    r"|^[ ]{0,3}\|.*\|[ ]*$"  # a table's row
    r"|^[ ]{0,3}>[ ]"  # a quotation
    r"|\*\*[^*\s][^*]*\*\*",  # bold
    re.MULTILINE,
)


def formatting_marks(text: str) -> int:
    """So many headings, list items, fences, table rows, quotations and bold words are in a text
    of Markdown (CommonMark's usual spellings; what is within code is counted too)."""
    return sum(1 for _ in _MARKS.finditer(text))
