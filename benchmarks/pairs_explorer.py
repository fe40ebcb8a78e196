"""How fast the page of pairs answers on a project of a hundred thousand.

    createdb concord_bench
    DATABASE_URL=postgres://USER@127.0.0.1:5432/concord_bench python -m benchmarks.pairs_explorer

Makes the pairs in a scratch database beside the named one, with labels, slots, gold and disputes
(`--keep` keeps it, and a database that is kept is used again), asks for pages as a member does,
and prints one JSON object: for each page the median and the longest of `--rounds` answers in
milliseconds, each after one that is not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SEED = 11
WORDS = 20_000
AT_ONCE = 2_000
DOMAINS = ("law", "medicine", "code", "travel", "")
PAGES = {
    "first page": "",
    "a page far down": "before=FAR",
    "state: waiting for labels": "state=waiting",
    "state: disputed (1 %)": "state=disputed",
    "raters disagree": "agreement=disagree",
    "domain and language": "domain=law&language=de",
    "domain, state and agreement": "domain=code&state=labelled&agreement=agree",
    "nothing matches": "origin=round&state=gold",
    "search: a rare word": "q=rare17",
    "search: a common word": "q=common",
    "search: two words and a filter": "q=common+rare1&domain=law",
    "search: no such word": "q=nowhere",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pairs_explorer")
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--keep", action="store_true", help="Keep the scratch database.")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ.setdefault("CONCORD_HOME", home)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django

        django.setup()
        with database(keep=args.keep):
            made = make(args.pairs)
            print(json.dumps({**made, "pages": measure(args.rounds)}, indent=1))


@contextmanager
def database(*, keep: bool) -> Iterator[None]:
    """A scratch database; the one that was kept before, where there is one."""
    from django.db import connection

    name = connection.settings_dict["NAME"]
    connection.settings_dict["TEST"]["NAME"] = f"{name}_pairs"
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False, keepdb=keep)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(name, verbosity=0, keepdb=keep)


def make(pairs: int) -> dict[str, Any]:
    """The project, unless it is there."""
    from django.db import connection

    from corpus.models import Project
    from corpus.search import index_words

    project = Project.objects.filter(slug="bench").first()
    if project is not None:
        return {"pairs": project.pairs.count(), "database": connection.vendor}
    started = time.perf_counter()
    project = Project.objects.create(slug="bench", name="Bench")
    draw = random.Random(SEED)
    words = [f"word{number}" for number in range(WORDS)]
    for start in range(0, pairs, AT_ONCE):
        _batch(project, range(start, min(pairs, start + AT_ONCE)), words, draw)
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    index_words(seconds=3_600)
    indexing = time.perf_counter() - started
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    return {
        "pairs": pairs,
        "database": connection.vendor,
        "pairs_made_per_second": round(pairs / seconds),
        "pairs_indexed_per_second": round(pairs / indexing),
    }


def _batch(project: Any, numbers: range, words: list[str], draw: random.Random) -> None:
    from django.utils import timezone

    from annotation.models import Adjudication, Choice, GoldPair, Label, Rater, Slot
    from annotation.services import open_slots
    from corpus.models import Pair
    from corpus.writing import Answer, NewPair, write_pairs

    def text(length: int) -> str:
        return " ".join(draw.choices(words, k=length))

    stored = write_pairs(
        project=project,
        pairs=[
            NewPair(
                prompt=[
                    {"role": "user", "content": f"Question {n} common rare{n % 997} {text(40)}"}
                ],
                a=Answer(f"{text(100)} common"),
                b=Answer(text(100)),
                external_id=f"row-{n}",
                domain=DOMAINS[n % len(DOMAINS)],
                language="de" if n % 7 == 0 else "en",
                source=f"file {n % 30}",
                metadata={"thread": f"t{n // 10}"},
            )
            for n in numbers
        ],
        origin=Pair.Origin.IMPORT,
        batch="bench.jsonl",
    )
    raters = [
        Rater.objects.get_or_create(project=project, kind="human", name=f"rater {n}")[0]
        for n in range(20)
    ]
    now = timezone.now()
    waiting, labels, slots, gold, disputes = [], [], [], [], []
    for row in (one.row for one in stored):
        given = draw.choice((0, 0, 1, 2, 3))
        if given < 2:
            waiting.append(row)
        for rater in draw.sample(raters, given):
            said = draw.choices(Choice.values, (6, 3, 1, 1))[0]
            ids = {"pair_id": row.pk, "project": project, "rater": rater}
            labels.append(Label(**ids, choice=said, created_at=now))
            slots.append(Slot(**ids, state=Slot.State.DONE, purpose="overlap"))
        if draw.random() < 0.03:
            gold.append(
                GoldPair(
                    pair_id=row.pk, project=project, state="settled", choice="first", shuffle=row.pk
                )
            )
        elif draw.random() < 0.01:
            disputes.append(Adjudication(pair_id=row.pk, project=project, reason="flag"))
    open_slots(pairs=waiting, wanted=1)
    Label.objects.bulk_create(labels)
    Slot.objects.bulk_create(slots)
    GoldPair.objects.bulk_create(gold)
    Adjudication.objects.bulk_create(disputes)


def measure(rounds: int) -> dict[str, dict[str, Any]]:
    from django.contrib.auth.models import User
    from django.test import Client

    from accounts.models import Role
    from accounts.services import add_member
    from corpus.models import Project

    project = Project.objects.get(slug="bench")
    user = User.objects.filter(username="reader").first()
    if user is None:
        user = User.objects.create_user("reader")
        add_member(user=user, project=project, role=Role.RESEARCHER)
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    far = project.pairs.order_by("pk").values_list("pk", flat=True)[project.pairs.count() // 3]
    found = {}
    for name, query in PAGES.items():
        address = f"/projects/bench/pairs/?{query.replace('FAR', str(far))}"
        times = []
        for _ in range(rounds + 1):
            started = time.perf_counter()
            answer = client.get(address)
            times.append(1000 * (time.perf_counter() - started))
            if answer.status_code != 200:
                raise RuntimeError(f"{address} was answered {answer.status_code}")
        said = answer.content.decode().split("data-matches>")[1].split("<")[0]
        found[name] = {
            "p50_ms": round(statistics.median(times[1:])),
            "longest_ms": round(max(times[1:])),
            "matches": said,
        }
    return found


if __name__ == "__main__":
    main()
