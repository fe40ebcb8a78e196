"""The name of a task outside tells nothing, and is read back."""

from __future__ import annotations

from itertools import pairwise
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from annotation.queue.task_names import slot_id_of, task_name


@given(st.integers(0, 2**63 - 1))
def test_a_name_is_read_back(slot_id: int) -> None:
    assert slot_id_of(task_name(slot_id)) == slot_id


def test_names_of_neighbours_have_nothing_in_common() -> None:
    names = [task_name(number).int for number in range(1, 200)]
    order = sorted(range(len(names)), key=names.__getitem__)
    ups = sum(one < other for one, other in pairwise(order))
    assert 70 < ups < 130, "the order of names would tell the order of slots"
    shared = [(one ^ other).bit_count() for one, other in pairwise(names)]
    assert 55 < sum(shared) / len(shared) < 73, "half of the 128 bits differ"


def test_a_name_that_was_never_given_is_no_slot() -> None:
    assert slot_id_of(UUID(int=0)) is None
    assert [slot_id_of(uuid4()) for _ in range(50)] == [None] * 50


def test_another_secret_gives_other_names(settings: object) -> None:
    before = task_name(1)
    settings.SECRET_KEY = "another secret"  # type: ignore[attr-defined]
    assert task_name(1) != before
