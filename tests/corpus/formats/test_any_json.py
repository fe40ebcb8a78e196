"""Whatever a row of a known shape holds inside, it is records or a reason: no other error."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from corpus.importers.files.opening import rows_of
from corpus.importers.reading import Row, RowError
from corpus.importers.registry import detect_format
from tests.corpus.formats.reading import EXAMPLES

NAMES = (
    *("alpaca-eval-annotations.json", "arena-140k.jsonl", "arena-33k.jsonl", "arena-55k.csv"),
    *("argilla-ranking.json", "argilla-records.json", "helpsteer2-preference.jsonl"),
    *("helpsteer2.jsonl", "helpsteer3.jsonl", "label-studio-choices.json", "label-studio.json"),
    *("mt-bench-judgments.jsonl", "pku-saferlhf.jsonl", "rewardbench.jsonl", "shp.jsonl"),
    "summarize-from-feedback.jsonl",
)

ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "null", "[]", "1", "tie", "\x00", "\ud800", "response1", "answer1"])
    | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "role", "x", "rank"]), inner, max_size=3)
    ),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path to every value inside."""
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    found = [path] if path else []
    for key, one in inner:
        found += places(one, (*path, key))
    return found


def changed(row: dict[str, Any], path: tuple[Any, ...], value: Any, *, delete: bool) -> None:
    holder: Any = row
    for key in path[:-1]:
        holder = holder[key]
    if delete:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value


@pytest.mark.parametrize("name", NAMES)
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_a_changed_row_is_records_or_a_reason(name: str, data: st.DataObject) -> None:
    path = EXAMPLES / name
    if not path.exists():
        pytest.skip("the example files are not here")
    rows = [row for row in rows_of(path) if row.fields]
    one = detect_format(iter(rows), name)
    fields: dict[str, Any] = copy.deepcopy(data.draw(st.sampled_from(rows)).fields or {})
    for _ in range(data.draw(st.integers(1, 2))):
        where = data.draw(st.sampled_from(places(fields)))
        changed(fields, where, data.draw(ANY_JSON), delete=data.draw(st.booleans()))
        if not fields:
            return

    try:
        records = one.parse(Row(1, fields, name))
    except (RowError, ValidationError):
        return

    assert all(json.dumps(record.model_dump(mode="json")) for record in records)
