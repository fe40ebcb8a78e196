"""The pages of imports: a file goes in, is read, mapped, checked and imported."""

from __future__ import annotations

import html
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from annotation.models import Label
from corpus.imports.running import run_import
from corpus.imports.uploads import add_part, begin_upload
from corpus.models import ColumnMapping, Import, Pair, Upload
from corpus.tasks import take_back_task
from jobs.runner import run_job
from tests.builders import TOOL_TURNS, Cast, make_cast

pytestmark = pytest.mark.django_db

CSV = (
    b"Frage,Antwort eins,Antwort zwei,vote\n"
    b"Why?,Because.,Who knows?,eins\n"
    b"How?,So.,Not so.,zwei\n"
    b"When?,Now.,Now.,eins\n"
)
COLUMNS = {
    "format": "mapping",
    "pair_policy": "all",
    "column_prompt": "Frage",
    "column_response_a": "Antwort eins",
    "column_response_b": "Antwort zwei",
    "column_choice": "vote",
}
LINE = b'{"prompt": "Hi?", "response_a": "Yes.", "response_b": "No."}\n'


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def carol(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.carol)
    return client


def uploaded(cast: Cast, data: bytes, name: str = "f") -> Upload:
    upload = begin_upload(project=cast.project, name=name, size=len(data), user=cast.carol)
    add_part(upload=upload, offset=0, data=data)
    return upload


def page_of(upload: Upload) -> str:
    return f"/projects/harbour/imports/uploads/{upload.pk}/"


def meanings(client: Client, path: str, said: dict[str, str]) -> dict[str, str]:
    """The fields of the menus of values, by what is written in the file."""
    answer = client.post(path, COLUMNS | {"do": "check"})
    tables = answer.context["form"].value_tables()
    return {row.menu.html_name: said[row.written] for table in tables for row in table.rows}


def test_a_small_file_can_be_sent_by_a_plain_form(carol: Client) -> None:
    file = SimpleUploadedFile("pairs.jsonl", LINE)
    answer = carol.post("/projects/harbour/imports/new", {"file": file}, follow=True)
    assert "Recognized as" in answer.content.decode()
    assert Upload.objects.get().size == len(LINE)


def test_a_record_with_calls_of_tools_is_shown_as_raters_see_it(cast: Cast, carol: Client) -> None:
    record = {"prompt": TOOL_TURNS, "response_a": "Very likely.", "response_b": "No idea."}
    page = carol.get(page_of(uploaded(cast, json.dumps(record).encode()))).content.decode()
    shown = html.unescape(page.split("The first record, as raters see it")[1])
    assert "1. Will it rain in Lyon?" in shown
    assert "Calls <code>forecast</code>" in shown
    assert '<code>{\n  "rain": 0.8\n}</code>' in shown


def test_a_file_of_other_columns_is_mapped_checked_saved_and_imported(
    cast: Cast, carol: Client
) -> None:
    path = page_of(uploaded(cast, CSV, "umfrage.csv"))
    assert "Not a known format" in carol.get(path).content.decode()
    values = meanings(carol, path, {"eins": "a", "zwei": "b"})

    checked = carol.post(path, COLUMNS | values | {"do": "check"})
    assert checked.context["report"].pairs_added == 2
    assert checked.context["report"].labels_added == 2
    ((reason, count, lines),) = checked.context["reasons"]
    assert (reason, count, lines) == ("response_a and response_b are identical", 1, [4])
    assert "Who knows?" in checked.content.decode()
    assert not Pair.objects.exists()

    carol.post(path, COLUMNS | values | {"do": "save", "save_as": "survey"})
    assert ColumnMapping.objects.get().values == {"eins": "a", "zwei": "b"}
    for none in ("other", "\0"):
        assert carol.post(path, {"do": "use", "saved": none}).status_code == 400
    used = carol.post(path, {"do": "use", "saved": "survey"})
    assert used.context["report"].labels_added == 2

    answer = carol.post(path, COLUMNS | values | {"do": "import"})
    job = Import.objects.get()
    assert answer["Location"] == f"/projects/harbour/imports/{job.pk}/"
    run_job(Import, job.pk, run_import)
    assert set(Label.objects.values_list("choice", flat=True)) == {"first", "second"}
    report = carol.get(answer["Location"]).content.decode()
    assert "response_a and response_b are identical" in report
    assert "Antwort eins" in report
    download: Any = carol.get(f"{answer['Location']}rejected.csv")
    rejected = b"".join(download.streaming_content)
    assert rejected == b"line,reason\r\n4,response_a and response_b are identical\r\n"


def test_values_that_nobody_explained_are_rejected_and_said(cast: Cast, carol: Client) -> None:
    path = page_of(uploaded(cast, CSV))
    checked = carol.post(path, COLUMNS | {"do": "check"})
    assert checked.context["report"].pairs_added == 0
    assert "&#x27;eins&#x27; is no known choice" in checked.content.decode()


def test_the_very_same_file_is_known_again(cast: Cast, carol: Client) -> None:
    for _ in range(2):
        upload = uploaded(cast, LINE)
        page = carol.get(page_of(upload))
        carol.post(page_of(upload), {"format": "pairs", "pair_policy": "all", "do": "import"})
        run_job(Import, Import.objects.latest("pk").pk, run_import)
    assert "This very file was imported on" in page.content.decode()
    second = Import.objects.latest("pk")
    assert second.report["duplicates"] == 1
    shown = carol.get(f"/projects/harbour/imports/{second.pk}/").content.decode()
    assert "This very file was imported before" in shown


@pytest.mark.parametrize("data", [b"\x00\x01nonsense", b"{}\n", b"[1, 2", b"a,b\n1,2\n", b" \n"])
def test_what_cannot_be_read_is_said_and_breaks_nothing(
    cast: Cast, carol: Client, data: bytes
) -> None:
    answer = carol.get(page_of(uploaded(cast, data, "<script>alert(1)</script>")))
    assert answer.status_code == 200
    assert "<script>alert" not in answer.content.decode()


def test_only_who_sent_a_file_sees_it(cast: Cast) -> None:
    upload = uploaded(cast, LINE)
    for user, status in ((cast.dan, 404), (cast.bob, 403), (cast.alice, 403), (cast.charlie, 404)):
        client = Client()
        client.force_login(user)
        assert client.get(page_of(upload)).status_code == status
        assert client.post(f"{page_of(upload)}discard").status_code == status
    assert Upload.objects.exists()


def test_an_upload_in_parts_is_read_as_one_file(cast: Cast, carol: Client) -> None:
    upload = begin_upload(project=cast.project, name="f", size=len(CSV), user=cast.carol)
    for offset in range(0, len(CSV), 7):
        assert "not here as a whole" in carol.get(page_of(upload)).content.decode()
        add_part(upload=upload, offset=offset, data=CSV[offset : offset + 7])
    assert carol.post(page_of(upload), COLUMNS | {"do": "check"}).context["report"].rows == 3


def test_an_unfinished_import_is_cancelled_on_its_page(cast: Cast, carol: Client) -> None:
    upload = uploaded(cast, LINE)
    job = Import.objects.create(project=cast.project, name="f", upload=upload)
    carol.post(f"/projects/harbour/imports/{job.pk}/cancel")
    job.refresh_from_db()
    assert job.state == Import.State.CANCELLED
    again = carol.get(f"/projects/harbour/imports/{job.pk}/").content.decode()
    assert "Import this file again" in again


def test_a_hub_that_is_out_of_reach_is_said(cast: Cast, carol: Client) -> None:
    asked = carol.post(
        "/projects/harbour/imports/new", {"name": "owner/set", "split": "train"}, follow=True
    )
    assert "Reading the first rows from the hub" in asked.content.decode()
    path = asked.request["PATH_INFO"] + "?" + asked.request["QUERY_STRING"]
    fetched = carol.get(f"{path}&fetch=1").content.decode()
    assert "The dataset owner/set cannot be read from the hub" in fetched


def test_an_import_is_taken_back_on_a_page_that_says_what_goes(
    cast: Cast, carol: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("library.imports.views.take_back_task.delay", take_back_task)
    for at_once in (10_000, 0):
        monkeypatch.setattr("library.imports.views.TAKEN_BACK_AT_ONCE", at_once)
        upload = uploaded(cast, LINE)
        carol.post(page_of(upload), {"format": "pairs", "pair_policy": "all", "do": "import"})
        job = Import.objects.latest("pk")
        run_job(Import, job.pk, run_import)
        path = f"/projects/harbour/imports/{job.pk}/take-back/"
        assert "What will be deleted" in carol.get(path).content.decode()
        assert Pair.objects.count() == 1
        carol.post(path)
        job.refresh_from_db()
        assert (Pair.objects.count(), job.taken_back_by) == (0, cast.carol)
        assert "taken back already" in carol.post(path).content.decode()


def test_the_list_of_imports_counts_labels_of_steps(cast: Cast, carol: Client) -> None:
    answer = {"prompt": "2 + 2?", "completions": ["2 + 2", "is 4."], "labels": [True, True]}
    path = page_of(uploaded(cast, json.dumps(answer).encode()))
    carol.post(path, {"format": "trl-stepwise", "pair_policy": "all", "do": "import"})
    run_job(Import, Import.objects.get().pk, run_import)
    page = carol.get("/projects/harbour/imports/").content.decode()
    assert "<td>0</td><td>2</td><td>0</td>" in page
