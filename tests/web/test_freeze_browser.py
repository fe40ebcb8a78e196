"""Freezing a small set in a real Chromium: what is held out is shown, enlarged, and then frozen."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import BrowserContext, expect

from exports.models import DatasetVersion
from tests.builders import Cast, make_cast, make_label, make_pair, make_rater
from tests.web.browser import CHROMIUM, sign_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which(CHROMIUM) is None, reason=f"there is no {CHROMIUM}"),
]


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def test_a_larger_share_is_taken_with_one_button_and_shown_before_it_is_frozen(
    context: BrowserContext, cast: Cast, complaints: list[str]
) -> None:
    rater = make_rater(cast.project, "ann")
    for number in range(100):
        make_label(make_pair(cast.project, number), rater, "second" if number % 3 else "first")
    page = sign_in(context, "dan")
    page.goto("/projects/harbour/datasets/")
    page.fill("#id_name", "small")
    freeze = page.get_by_role("button", name="Freeze", exact=True)
    freeze.click()
    expect(page.get_by_role("alert")).to_contain_text("fewer than 30 rows mean little")

    page.get_by_role("button", name="Hold out").click()

    told = page.get_by_role("status").filter(has_text="enough rows are held out")
    expect(told).to_be_visible()
    share = float(page.input_value("#id_validation"))
    assert share > 0.1
    assert float(page.input_value("#id_test")) == 0
    assert page.input_value("#id_name") == "small"
    assert not DatasetVersion.objects.exists()

    told.get_by_role("button", name="Freeze").click()
    page.wait_for_url("**/datasets/*/")
    filters = DatasetVersion.objects.get().manifest["filters"]
    assert (filters["validation"], filters["test"]) == (share, 0)
    assert complaints == []
