"""Whatever a row holds, a format gives records or says why there are none."""

from __future__ import annotations

import contextlib
import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from corpus.importers.reading import Row, RowError
from corpus.importers.registry import FORMATS
from tests.corpus.formats.rows import OTHER_SHAPES, ROWS

ALL = {**{name: (name, row) for name, row in ROWS.items()}, **OTHER_SHAPES}


NAMES = ("role", "content", "from", "value", "text", "rank", "rating", "tool_calls", "name")

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.sampled_from(["\x00", "\ud800", "N/A", "user", "assistant", "system", "function_call"])
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)

Place = tuple[str | int, ...]


def places(value: Any, at: Place = ()) -> list[Place]:
    """Where the inner values of a row are."""
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [place for key, one in inner for place in ((*at, key), *places(one, (*at, key)))]


@st.composite
def spoiled(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """The row `name`, of which some values are others, or missing."""
    row = copy.deepcopy(ALL[name][1])
    for _ in range(draw(st.integers(1, 3))):
        if not (found := places(row)):
            break
        *way, last = draw(st.sampled_from(found))
        holder: Any = row
        for key in way:
            holder = holder[key]
        if draw(st.booleans()):
            holder[last] = draw(json_values)
        else:
            del holder[last]
    return row


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=40)
@given(data=st.data())
def test_a_spoiled_row_gives_records_or_a_reason(name: str, data: st.DataObject) -> None:
    row = data.draw(spoiled(name))
    with contextlib.suppress(RowError, ValidationError):
        records = FORMATS[ALL[name][0]].parse(Row(1, row, "f"))
        assert records
        assert all(json.dumps(record.model_dump(mode="json")) for record in records)
    for one in FORMATS.values():
        assert one.recognises([row]) in (0, 1, 2)


@pytest.mark.parametrize("name", ROWS)
@settings(max_examples=20)
@given(row=st.dictionaries(st.text(max_size=8), json_values, max_size=4))
def test_any_row_gives_records_or_a_reason(name: str, row: dict[str, Any]) -> None:
    with contextlib.suppress(RowError, ValidationError):
        assert FORMATS[name].parse(Row(1, row, "f"))
