"""In a real browser: a file of other columns is dropped, mapped, imported, and its first pair is
labelled; an upload whose connection is lost goes on."""

from __future__ import annotations

import csv
import shutil
import threading
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection
from playwright.sync_api import BrowserContext, Page, Route, expect
from pytest_django import Settings

from annotation.models import Label
from corpus.imports.running import run_import
from corpus.models import Import, Pair, Upload, UploadPart
from jobs.runner import run_job
from tests.builders import PASSWORD, Cast, make_cast
from tests.web.browser import CHROMIUM, serious, sign_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which(CHROMIUM) is None, reason=f"there is no {CHROMIUM}"),
]

DROP = """(box, [name, text]) => {
  const files = new DataTransfer();
  files.items.add(new File([text], name, { lastModified: 1 }));
  const more = { dataTransfer: files, bubbles: true, cancelable: true };
  for (const kind of ["dragenter", "dragover", "drop"]) {
    box.dispatchEvent(new DragEvent(kind, more));
  }
}"""


def table(path: Path, rows: int) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["Frage", "Antwort eins", "Antwort zwei", "Urteil"])
        for number in range(rows):
            writer.writerow([f"Frage {number}?", f"Ja {number}.", f"Nein {number}.", "zweite"])
    return path


def work_off(page: Page) -> None:
    """What a worker does, in this process: the import that waits."""
    page.wait_for_url("**/imports/*/")
    job = Import.objects.latest("pk")

    def work() -> None:
        run_job(Import, job.pk, run_import)
        connection.close()

    done = threading.Thread(target=work)
    done.start()
    done.join()


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def test_somebody_new_makes_a_project_brings_a_table_in_and_labels_its_first_pair(
    context: BrowserContext,
    complaints: list[str],
    tmp_path: Path,
) -> None:
    User.objects.create_superuser("root", password=PASSWORD)
    page = sign_in(context, "root")
    page.click("text=New project")
    page.fill("#id_name", "Hafen")
    page.select_option("#id_starter", "none")
    page.click("main button[type=submit]")
    page.wait_for_url("**/projects/hafen/")

    page.click("nav >> text=Imports")
    page.click("main >> text=New import >> nth=0")
    assert serious(page) == []
    text = table(tmp_path / "umfrage.csv", 6).read_text(encoding="utf-8")
    page.locator("[data-drop]").evaluate(DROP, ["umfrage.csv", text])
    page.wait_for_url("**/imports/uploads/*/")
    expect(page.locator("main")).to_contain_text("Not a known format")
    page.select_option("#id_column_prompt", "Frage")
    page.select_option("#id_column_response_a", "Antwort eins")
    page.select_option("#id_column_response_b", "Antwort zwei")
    page.select_option("#id_column_choice", "Urteil")
    page.get_by_label("zweite").select_option("b")
    page.click("text=Check again")
    expect(page.locator("main")).to_contain_text("The first 6 records, as raters see them")
    expect(page.locator("main")).to_contain_text("Comes with: imported: B")
    assert serious(page) == []
    page.click("main >> button[value=import]")
    work_off(page)
    expect(page.locator("main")).to_contain_text("succeeded")
    expect(page.locator("main")).to_contain_text("Labels added")
    assert serious(page) == []
    assert Pair.objects.count() == 6

    page.goto("/projects/hafen/label/")
    page.click("[data-choices] button[name=choice] >> nth=0")
    for _ in range(100):
        if Label.objects.filter(rater__user__username="root").exists():
            break
        page.wait_for_timeout(100)
    assert Label.objects.filter(rater__user__username="root").count() == 1
    assert Label.objects.filter(rater__name="imported", choice="second").count() == 6
    assert complaints == []


def test_an_upload_goes_on_after_a_lost_connection_and_on_a_page_opened_anew(
    context: BrowserContext,
    cast: Cast,
    settings: Settings,
    tmp_path: Path,
) -> None:
    settings.UPLOAD_PART_BYTES = 1000
    path = table(tmp_path / "big.csv", 400)
    size = path.stat().st_size
    page = sign_in(context, "carol")
    page.goto("/projects/harbour/imports/new")
    lost = {"left": 2, "after": 3}

    def fail(route: Route) -> None:
        """The fourth part is lost twice; the seventh never arrives."""
        lost["after"] -= 1
        if lost["after"] < 0 and lost["left"] > 0:
            lost["left"] -= 1
            route.abort("connectionreset")
        elif UploadPart.objects.count() >= 6:
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/parts?*", fail)
    page.set_input_files("#id_file", path)
    expect(page.locator("[data-said]")).to_contain_text("The connection was lost")
    expect(page.locator("[data-bar]")).not_to_have_attribute("aria-valuenow", "0")
    for _ in range(200):
        if UploadPart.objects.count() >= 6:
            break
        page.wait_for_timeout(100)
    assert UploadPart.objects.count() == 6

    page.unroute("**/parts?*")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.set_input_files("#id_file", path)
    page.wait_for_url("**/imports/uploads/*/")
    upload = Upload.objects.get()
    assert sum(part.size for part in upload.parts.all()) == size
    assert upload.parts.count() == -(-size // 1000)
    expect(page.locator("main")).to_contain_text("Not a known format")


def test_an_upload_is_cancelled_and_leaves_nothing(
    context: BrowserContext,
    cast: Cast,
    settings: Settings,
    tmp_path: Path,
) -> None:
    settings.UPLOAD_PART_BYTES = 1000
    path = table(tmp_path / "big.csv", 400)
    page = sign_in(context, "carol")
    page.goto("/projects/harbour/imports/new")
    page.route("**/parts?*", lambda route: route.abort("connectionreset"))
    page.set_input_files("#id_file", path)
    expect(page.locator("[data-said]")).to_contain_text("The connection was lost")
    page.once("dialog", lambda dialog: dialog.accept())
    page.click("text=Cancel upload")
    expect(page.locator("[data-said]")).to_contain_text("was cancelled")
    for _ in range(100):
        if not Upload.objects.exists():
            break
        page.wait_for_timeout(100)
    assert not Upload.objects.exists()
