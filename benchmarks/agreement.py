"""How long the agreement report of a large project takes, from the keypress to the last brace.

    DATABASE_URL=postgres://... python -m benchmarks.agreement [--labels 1000000] [--keep]

Makes a scratch database beside the named one (PostgreSQL only) with that many labels of 200 raters,
and removes it at the end; with --keep it stays, and a later run with --keep uses it again. Prints
one JSON object: medians in seconds of the whole process `manage.py agreement PROJECT --json`, of
the report in a process that is already up, of each breakdown, and of a reference measured in the
same run, `SELECT rater_id, choice, count(*) ... GROUP BY` through psql. `ratio` is the whole
process over the reference.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402

from annotation.models import Rater  # noqa: E402
from corpus.models import Project  # noqa: E402

SLUG = "bench"
RATERS = 200
JUDGES = 4
LABELS_PER_PAIR = 1.18
"""Of 50 pairs, 44 are labelled once, 5 by two raters and 1 by five."""

FILL = """
INSERT INTO corpus_prompt
    (project_id, messages, sha256, source, domain, difficulty, language, sensitive, created_at)
SELECT p.id, '[{"role": "user", "content": "?"}]', lpad(to_hex(n), 64, '0'), '',
       'domain ' || n %% 8, (ARRAY['easy', 'medium', 'hard'])[1 + n %% 3],
       (ARRAY['en', 'de', 'fr', 'ja'])[1 + n %% 4], false, now()
FROM corpus_project p, generate_series(1, %(pairs)s) n WHERE p.slug = 'bench';

INSERT INTO corpus_completion
    (prompt_id, text, finish_reason, identity_hits, sha256, created_at)
SELECT id, side, '', 0, lpad(side, 64, sha256), now()
FROM corpus_prompt, (VALUES ('one'), ('two')) AS sides (side);

INSERT INTO corpus_pair
    (project_id, prompt_id, first_id, second_id, sha256, external_id, origin, batch, priority,
     held_back, created_at)
SELECT r.project_id, r.id, one.id, two.id, r.sha256, '', 'import', '', 0, '', now()
FROM corpus_prompt r
JOIN corpus_completion one ON one.prompt_id = r.id AND one.text = 'one'
JOIN corpus_completion two ON two.prompt_id = r.id AND two.text = 'two';

-- Every pair has a truth; a rater sees it seven times in ten, and else presses anything.
CREATE TEMPORARY TABLE wanted AS
SELECT p.id AS pair_id, p.project_id, random() AS truth, floor(random() * %(raters)s)::int AS base,
       CASE WHEN p.id %% 50 = 0 THEN 5 WHEN p.id %% 50 < 6 THEN 2 ELSE 1 END AS many
FROM corpus_pair p;

INSERT INTO annotation_label
    (project_id, pair_id, rater_id, kind, choice, strength, criteria, comment, first_was_left,
     seconds, withdrawn, import_sha256, created_at)
SELECT project_id, pair_id, rater_id, 'judgement', choice,
       CASE WHEN choice IN ('first', 'second') AND chance < 0.7
            THEN 1 + floor(random() * 3)::int END,
       CASE WHEN chance < 0.1 THEN jsonb_build_object('honest', choice, 'helpful', 'first')
            ELSE '{}' END,
       '', chance < 0.5, 20 * chance, false, '',
       TIMESTAMPTZ '2026-01-05 UTC' + interval '1 second' * (chance * 26 * 604800)
FROM (
    SELECT w.project_id, w.pair_id, r.id AS rater_id, random() AS chance,
           CASE WHEN seen < 0.4 THEN 'first' WHEN seen < 0.8 THEN 'second'
                WHEN seen < 0.93 THEN 'equal' ELSE 'both_bad' END AS choice
    FROM (
        SELECT wanted.*, (base + turn * (1 + pair_id %% 49)) %% %(raters)s AS number,
               CASE WHEN random() < 0.7 THEN truth ELSE random() END AS seen
        FROM wanted, generate_series(0, 4) turn WHERE turn < many
    ) w
    JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS number FROM annotation_rater) r
      ON r.number = w.number
) drawn;

-- One label in a hundred was corrected.
INSERT INTO annotation_label
    (project_id, pair_id, rater_id, kind, choice, criteria, comment, withdrawn, import_sha256,
     supersedes_id, created_at)
SELECT project_id, pair_id, rater_id, kind, 'equal', '{}', '', false, '', id,
       created_at + interval '1 minute'
FROM annotation_label WHERE id %% 100 = 0;

INSERT INTO annotation_goldpair (project_id, pair_id, state, shuffle, choice, note, created_at)
SELECT (SELECT id FROM corpus_project WHERE slug = 'bench'), pair_id, 'settled', pair_id,
       CASE WHEN truth < 0.4 THEN 'first' WHEN truth < 0.8 THEN 'second'
                     WHEN truth < 0.93 THEN 'equal' ELSE 'both_bad' END, '', now()
FROM wanted WHERE pair_id %% 20 = 3;
"""

REFERENCE = (
    "SELECT rater_id, choice, count(*) FROM annotation_label l "
    "JOIN corpus_project p ON p.id = l.project_id WHERE p.slug = 'bench' GROUP BY rater_id, choice"
)


def fill(labels: int) -> None:
    """`labels` labels, more or less, with the prompts, completions and pairs under them."""
    sizes = {"pairs": round(labels / LABELS_PER_PAIR), "raters": RATERS}
    with transaction.atomic(), connection.cursor() as cursor:
        project = Project.objects.create(slug=SLUG, name="Benchmark")
        Rater.objects.bulk_create(
            Rater(project=project, kind="judge" if n < JUDGES else "human", name=f"rater {n:03}")
            for n in range(RATERS)
        )
        cursor.execute("SELECT setseed(0.5)")
        for statement in FILL.split(";\n"):
            if statement.strip():
                cursor.execute(statement, sizes)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def median(work: Callable[[], object], runs: int) -> float:
    return round(statistics.median(seconds(work) for _ in range(runs)), 3)


def measure(url: str, runs: int) -> dict[str, object]:
    from annotation.agreement import breakdowns as by
    from annotation.agreement.report import agreement_report
    from annotation.models import Label

    project = Project.objects.get(slug=SLUG)
    printed: list[bytes] = []

    def command() -> None:
        environment = {**os.environ, "DATABASE_URL": url}
        called = [sys.executable, "manage.py", "agreement", SLUG, "--json"]
        printed.append(
            subprocess.run(called, env=environment, check=True, capture_output=True).stdout
        )

    def reference() -> None:
        subprocess.run(["psql", url, "-qAtc", REFERENCE], check=True, capture_output=True)

    reference()  # Once each, so that all find the tables in memory.
    command()
    # In turn, so that a busy moment of the machine falls on both.
    rounds = [(seconds(command), seconds(reference)) for _ in range(runs)]
    whole, bare = (statistics.median(times) for times in zip(*rounds, strict=True))
    report = json.loads(printed[-1])
    return {
        "labels": Label.objects.filter(project=project).count(),
        "raters": len(report["raters"]),
        "pairs_with_two_labels": report["fleiss_kappa"]["n"],
        "command_seconds": round(whole, 3),
        "reference_seconds": round(bare, 3),
        "ratio": round(whole / bare, 2),
        "report_seconds": median(lambda: agreement_report(project), runs),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
        "by_seconds": {
            "domain": median(lambda: by.agreement_by_stratum(project, "domain"), runs),
            "week": median(lambda: by.agreement_by_week(project), runs),
            "criterion": median(lambda: by.agreement_by_criterion(project), runs),
            "rater_week": median(lambda: by.rater_weekly_kappa(project), runs),
        },
        "dashboard_seconds": dashboard(project, runs),
    }


def dashboard(project: Project, runs: int) -> dict[str, float]:
    """The agreement dashboard as a researcher gets it, after the schedule counted the project."""
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.test import Client
    from django.utils import timezone

    from accounts.models import Membership, Role
    from annotation.agreement.snapshots import refresh_agreement

    settings.ALLOWED_HOSTS = ["testserver"]
    user, _ = User.objects.get_or_create(username="dan")
    Membership.objects.get_or_create(user=user, project=project, role=Role.RESEARCHER)
    counted = seconds(lambda: refresh_agreement(project=project, now=timezone.now()))
    client = Client()
    client.force_login(user)
    address = f"/projects/{SLUG}/agreement/"

    def get() -> None:
        if client.get(address).status_code != 200:
            raise RuntimeError(f"{address} was not answered.")

    get()
    return {"page": median(get, runs), "counted_by_schedule": round(counted, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agreement")
    parser.add_argument("--labels", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--keep", action="store_true", help="Leave, and use again, the database.")
    options = parser.parse_args()
    if connection.vendor != "postgresql":
        parser.error(f"DATABASE_URL names a {connection.vendor} database; PostgreSQL is wanted.")
    name = connection.settings_dict["NAME"]
    scratch = f"benchmark_agreement_{name}"
    parts = urlsplit(os.environ["DATABASE_URL"])
    connection.settings_dict["TEST"]["NAME"] = scratch
    connection.creation.create_test_db(
        verbosity=0, serialize=False, keepdb=options.keep, autoclobber=True
    )
    try:
        if not Project.objects.filter(slug=SLUG).exists():
            fill(options.labels)
        print(json.dumps(measure(urlunsplit(parts._replace(path=f"/{scratch}")), options.runs)))
    finally:
        connection.creation.destroy_test_db(name, verbosity=0, keepdb=options.keep)


if __name__ == "__main__":
    main()
