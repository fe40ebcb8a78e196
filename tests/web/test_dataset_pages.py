"""Dataset pages: a researcher freezes labels with a form, readers see what came of it."""

from __future__ import annotations

import json
import shutil

import pytest
from django.test import Client

from annotation.models import Label, Rater
from corpus.models import ModelVersion, Project
from exports.models import DatasetVersion
from exports.services import FreezeFilters, freeze
from exports.showing.comparing import shared
from tests.builders import Cast, make_cast, make_label, make_pair, make_rater
from tests.web.hostile import HOSTILE
from training.models import TrainingRun

pytestmark = pytest.mark.django_db

LIST = "/projects/harbour/datasets/"
FREEZE = "/projects/harbour/datasets/freeze"
FORM = {
    "name": "first",
    "raters": "both",
    "min_labels": 1,
    "tie_band": 0.05,
    "validation": 0.25,
    "test": 0.25,
    "seed": 0,
    # These sets are small, and meant to be.
    "small_split": "accept",
}


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def researcher(client: Client, cast: Cast) -> Client:
    client.force_login(cast.dan)
    return client


def label_pairs(project: Project, count: int = 24) -> None:
    rater = make_rater(project, "ann")
    for number in range(count):
        make_label(make_pair(project, number), rater, "second" if number % 3 == 0 else "first")


def page_of(dataset: DatasetVersion) -> str:
    return f"{LIST}{dataset.sha256}/"


def test_the_form_freezes_what_it_says_and_leads_to_the_new_version(
    researcher: Client, cast: Cast
) -> None:
    label_pairs(cast.project)

    answer = researcher.post(FREEZE, FORM | {"tie_band": 0.2, "seed": 7})

    dataset = DatasetVersion.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, page_of(dataset))
    assert (str(dataset), dataset.created_by) == ("first v1", cast.dan)
    filters = dataset.manifest["filters"]
    assert (filters["tie_band"], filters["seed"], filters["test"]) == (0.2, 7, 0.25)
    assert "first v1 is frozen." in researcher.get(page_of(dataset)).content.decode()


def test_a_split_too_small_to_measure_on_is_told_before_anything_is_frozen(
    researcher: Client, cast: Cast
) -> None:
    label_pairs(cast.project, 100)
    asked = {**FORM, "validation": 0.05, "test": 0.05, "small_split": ""}

    page = researcher.post(FREEZE, asked).content.decode()

    assert not DatasetVersion.objects.exists()
    assert "Nothing has been frozen yet." in page
    assert "figures based on fewer than 30 rows mean little" in page
    share = page.split('name="larger_share" value="')[1].split('"')[0]
    again = researcher.post(FREEZE, asked | {"larger_share": share}).content.decode()
    assert not DatasetVersion.objects.exists()
    assert "enough rows are held out to measure on" in again
    taken = {
        name: again.split(f'name="{name}" value="')[1].split('"')[0]
        for name in ("validation", "test")
    }
    assert (float(taken["validation"]), float(taken["test"])) == (float(share), 0)
    assert researcher.post(FREEZE, asked | taken).status_code == 302
    dataset = DatasetVersion.objects.get()
    rows = {name: one["rows"] for name, one in dataset.manifest["splits"].items()}
    assert 30 <= rows["validation"] < rows["train"]
    assert "mean little" not in researcher.get(page_of(dataset)).content.decode()


def test_a_small_split_that_is_meant_is_frozen_and_says_so_on_page_and_card(
    researcher: Client, cast: Cast
) -> None:
    label_pairs(cast.project)

    refused = researcher.post(FREEZE, FORM | {"small_split": ""}).content.decode()
    assert "too few labelled pairs" in refused
    assert researcher.post(FREEZE, FORM).status_code == 302

    dataset = DatasetVersion.objects.get()
    assert "mean little" in researcher.get(page_of(dataset)).content.decode()
    assert "mean little" in (dataset.folder / "README.md").read_text()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "two words"}, "“two words” has characters other than letters"),
        ({"name": ""}, "This field is required."),
        ({"raters": "nobody"}, "Select a valid choice"),
        ({"tie_band": 0.5}, "less than or equal to 0.49"),
        ({"tie_band": "nan"}, "Enter a number."),
        ({"min_labels": 0}, "greater than or equal to 1"),
        ({"validation": 0.5, "test": 0.5}, "must leave a share for training"),
    ],
)
def test_a_wrong_field_is_named_on_the_form_and_nothing_is_frozen(
    researcher: Client, cast: Cast, wrong: dict[str, object], said: str
) -> None:
    label_pairs(cast.project)

    answer = researcher.post(FREEZE, FORM | wrong)

    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert not DatasetVersion.objects.exists()


def test_with_no_label_there_is_nothing_to_freeze_and_the_page_says_why(
    researcher: Client,
) -> None:
    answer = researcher.post(FREEZE, FORM)

    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert not DatasetVersion.objects.exists()


def test_the_page_shows_hash_splits_reasons_origin_and_rows(client: Client, cast: Cast) -> None:
    label_pairs(cast.project)
    make_label(make_pair(cast.project, 99), make_rater(cast.project, "bea"), "equal")
    dataset = freeze(project=cast.project, name="d", created_by=cast.dan)
    client.force_login(cast.bob)

    page = client.get(page_of(dataset)).content.decode()

    assert page.count(dataset.sha256) >= 2
    assert f'data-copy="{dataset.sha256}"' in page
    assert "ann (human)" in page
    assert "by dan" in page
    assert "Question 5?" in page or "Question 6?" in page
    for reason, count in dataset.manifest["dropped"].items():
        assert count == 0 or reason in page
    for split, about in dataset.manifest["splits"].items():
        assert split in page
        assert str(about["rows"]) in page
    assert dataset.manifest["strata"]["origin"] == {"import": 24}
    assert "import" in page


def test_the_preview_shows_twenty_rows_of_the_train_split(client: Client, cast: Cast) -> None:
    label_pairs(cast.project, 60)
    dataset = freeze(
        project=cast.project, name="d", filters=FreezeFilters(validation=0.0, test=0.0)
    )
    client.force_login(cast.bob)

    page = client.get(page_of(dataset)).content.decode()

    assert page.count('class="reading-box prose"') == 40
    assert page.count("Open pair ") == 20
    assert page.count(" open><summary") == 2


def test_hostile_rows_are_shown_and_do_nothing(client: Client, cast: Cast) -> None:
    rater = make_rater(cast.project, "ann")
    for number, text in enumerate(HOSTILE):
        pair = make_pair(cast.project, number, prompt=text, first=text, second=f"plain {number}")
        make_label(pair, rater, "first")
    dataset = freeze(
        project=cast.project, name="d", filters=FreezeFilters(validation=0.0, test=0.0)
    )
    client.force_login(cast.bob)

    preview = client.get(page_of(dataset)).content.decode().split("rows for training")[1]

    assert preview.count("plain ") >= 1
    for forbidden in ("<script", "<img", "<iframe", "<style", " style=", 'href="javascript'):
        assert forbidden not in preview.lower()


def test_a_version_whose_folder_is_gone_says_so(client: Client, cast: Cast) -> None:
    label_pairs(cast.project)
    dataset = freeze(project=cast.project, name="d")
    shutil.rmtree(dataset.folder)
    client.force_login(cast.bob)

    assert "folder is missing" in client.get(page_of(dataset)).content.decode()


def test_only_researchers_are_offered_to_freeze_and_to_train(client: Client, cast: Cast) -> None:
    label_pairs(cast.project)
    dataset = freeze(project=cast.project, name="d")

    for user, offered in ((cast.dan, True), (cast.carol, True), (cast.bob, False)):
        client.force_login(user)
        assert (FREEZE in client.get(LIST).content.decode()) is offered
        train = f"/projects/harbour/runs/new?dataset={dataset.pk}"
        assert (train in client.get(page_of(dataset)).content.decode()) is offered


def test_the_list_asks_the_database_no_more_for_more_versions(
    client: Client, cast: Cast, django_assert_max_num_queries: object
) -> None:
    for number in range(30):
        DatasetVersion.objects.create(
            project=cast.project,
            name="d",
            number=number + 1,
            sha256=f"{number:064x}",
            manifest={"splits": {"train": {"rows": 1}}},
        )
    client.force_login(cast.bob)

    with django_assert_max_num_queries(6):  # type: ignore[operator]
        page = client.get(LIST).content.decode()

    assert page.count(" v") >= 30


def test_the_page_begins_with_sentences_and_pictures_and_folds_the_rest(
    client: Client, cast: Cast
) -> None:
    label_pairs(cast.project)
    make_label(make_pair(cast.project, 99), make_rater(cast.project, "bea"), "equal")
    dataset = freeze(project=cast.project, name="d", created_by=cast.dan)
    client.force_login(cast.dan)

    page = " ".join(client.get(page_of(dataset)).content.decode().split())

    assert "24 pairs with a preferred answer, from 24 labels by 1 person." in page
    assert "1 other pair was left out (a tie)." in page
    assert "On 24 of 24 pairs the labels leave no doubt" in page
    order = ["with a preferred answer", 'class="parts"', 'data-chart="sure"', "rows for training"]
    order += ["Who and what made it", "Dataset card", "Hashes"]
    places = [page.index(one) for one in order]
    assert places == sorted(places)
    for folded in (
        "ann (human)",
        "The columns follow TRL",
        dataset.manifest["labels"]["ids_sha256"],
    ):
        before = page[: page.index(folded)]
        assert before.rindex("<details") > before.rindex("</details>"), folded
    charts = client.get(f"{page_of(dataset)}charts").json()["charts"]
    assert list(charts) == ["sure"]
    (bins,) = charts["sure"]["datasets"].values()
    assert [one["pairs"] for one in bins] == [0] * 9 + [24]


def test_every_file_can_be_downloaded_by_researchers_alone(client: Client, cast: Cast) -> None:
    label_pairs(cast.project)
    dataset = freeze(project=cast.project, name="d")
    names = [f"{split}.parquet" for split in ("train", "validation", "test")]
    names += ["README.md", "manifest.json"]

    client.force_login(cast.bob)
    assert "/files/" not in client.get(page_of(dataset)).content.decode()
    for name in names:
        assert client.get(f"{page_of(dataset)}files/{name}").status_code == 403

    client.force_login(cast.dan)
    page = client.get(page_of(dataset)).content.decode()
    for name in names:
        assert f'href="{page_of(dataset)}files/{name}"' in page
        answer = client.get(f"{page_of(dataset)}files/{name}")
        assert answer.status_code == 200
        assert f'attachment; filename="d-v1-{name}"' in answer["Content-Disposition"]
        sent = answer.getvalue()
        if name == "manifest.json":
            assert json.loads(sent) == dataset.manifest
        else:
            assert sent == (dataset.folder / name).read_bytes()
    (dataset.folder / "notes.txt").write_text("not part of it")
    for odd in ("notes.txt", "p_chosen.png", "..", "%2e%2e%2fsecret_key", "train.parquet%00"):
        assert client.get(f"{page_of(dataset)}files/{odd}").status_code == 404


def test_two_versions_are_compared_row_by_row(client: Client, cast: Cast) -> None:
    label_pairs(cast.project)
    filters = FreezeFilters(validation=0.2, test=0.0)
    before = freeze(project=cast.project, name="d", filters=filters)
    pairs = list(cast.project.pairs.order_by("pk"))
    ann = Rater.objects.get(name="ann")
    Label.objects.filter(pair=pairs[0]).update(choice="first")
    Label.objects.filter(pair=pairs[1]).update(withdrawn=True)
    make_label(make_pair(cast.project, 50), ann, "first")
    make_label(make_pair(cast.project, 51), make_rater(cast.project, "bea"), "first")
    after = freeze(project=cast.project, name="d", filters=FreezeFilters(validation=0.0, test=0.0))
    client.force_login(cast.bob)

    page = " ".join(client.get(f"{page_of(after)}compare/").content.decode().split())

    assert "23 rows are in both; 2 only in d v2 and 1 only in d v1." in page
    moved = shared(after, before)
    assert moved is not None
    assert (moved.turned, moved.only_here, moved.only_there) == (1, 2, 1)
    assert 0 < moved.moved <= before.manifest["splits"]["validation"]["rows"]
    assert "1 prefers the other answer now" in page
    assert '<td class="text-break">0.0</td><td class="text-break">0.2</td>' in page
    assert "Only in d v2: bea." in page

    shutil.rmtree(before.folder)
    assert (
        "folder of one of the two is missing"
        in client.get(f"{page_of(after)}compare/?with={before.sha256}").content.decode()
    )


def test_a_version_without_another_has_nothing_to_compare_with(client: Client, cast: Cast) -> None:
    label_pairs(cast.project)
    dataset = freeze(project=cast.project, name="d")
    client.force_login(cast.bob)

    assert "compare/" not in client.get(page_of(dataset)).content.decode()
    assert (
        "Nothing to compare d v1 with" in client.get(f"{page_of(dataset)}compare/").content.decode()
    )


def test_the_pages_of_a_version_ask_no_more_for_more_rows_runs_and_versions(
    client: Client, cast: Cast, django_assert_max_num_queries: object
) -> None:
    label_pairs(cast.project, 200)
    for number in range(40):
        rater = make_rater(cast.project, f"rater {number}")
        make_label(make_pair(cast.project, 1_000 + number), rater, "first")
    dataset = freeze(project=cast.project, name="d")
    base = ModelVersion.objects.create(project=cast.project, name="base", kind="base")
    for number in range(40):
        made = ModelVersion.objects.create(project=cast.project, name=f"m{number}", kind="full")
        TrainingRun.objects.create(
            project=cast.project, name="r", method="dpo", spec={}, base_model=base,
            dataset=dataset, state="succeeded", result_model=made,
        )  # fmt: skip
        DatasetVersion.objects.create(
            project=cast.project, name="e", number=number, sha256=f"{number:064x}", manifest={}
        )
    client.force_login(cast.dan)

    with django_assert_max_num_queries(9):  # type: ignore[operator]
        page = client.get(page_of(dataset)).content.decode()
    assert page.count("Open pair ") == 20
    assert page.count("succeeded") == 20
    assert page.count("(human)") == 30 + 41, "thirty on the page, every one on its card"
    assert "and 11 more" in page
    with django_assert_max_num_queries(6):  # type: ignore[operator]
        assert client.get(f"{page_of(dataset)}charts").status_code == 200
    with django_assert_max_num_queries(7):  # type: ignore[operator]
        assert client.get(f"{page_of(dataset)}compare/").status_code == 200


@pytest.mark.parametrize("odd", ["0" * 64, "x", "a%00b", "a" * 5_000])
def test_an_address_that_is_no_datasets_hash_is_not_found(
    client: Client, cast: Cast, odd: str
) -> None:
    client.force_login(cast.bob)

    assert client.get(f"{LIST}{odd}/").status_code == 404


@pytest.mark.parametrize("odd", [{"name": "a\x00b"}, {"raters": "\x00"}])
def test_control_characters_in_the_form_are_refused_on_the_form(
    researcher: Client, cast: Cast, odd: dict[str, str]
) -> None:
    label_pairs(cast.project)

    assert researcher.post(FREEZE, FORM | odd).status_code == 400


def test_a_seed_of_any_size_is_a_seed(researcher: Client, cast: Cast) -> None:
    label_pairs(cast.project)

    assert researcher.post(FREEZE, FORM | {"seed": 10**30}).status_code == 302
    assert DatasetVersion.objects.get().manifest["filters"]["seed"] == 10**30
