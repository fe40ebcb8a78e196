"""A database that is not migrated, or not there: one clear line and exit status 2."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

RUN_ALL = """
import contextlib, io, json
from pathlib import Path
import django
django.setup()
from django.core.management import get_commands, load_command_class
from jobs.commands import ConcordCommand

said = {}
for name, app in sorted(get_commands().items()):
    command = load_command_class(app, name) if isinstance(app, str) else app
    # Two migrate by themselves; two look at a folder or a model before they ask the database.
    others = ("quickstart", "demo", "serve_model", "verify_dataset")
    if not isinstance(command, ConcordCommand) or name in others:
        continue
    parser = command.create_parser("manage.py", name)
    wanted = ["list"] if name == "project" else [
        FILES.get(name, "1" * 64) if one.type is Path or one.dest in ("spec", "file") else "1" * 64
        for one in parser._get_positional_actions()
    ]
    err = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(err):
        try:
            options = vars(parser.parse_args([*wanted, *EXTRA.get(name, ())]))
            command.stderr = type(command.stderr)(err)
            command.handle(**options)
            status = 0
        except SystemExit as stop:
            status = stop.code
    said[name] = [status, err.getvalue()]
print(json.dumps(said))
"""


def run_all(tmp_path: Path, database_url: str) -> dict[str, list[Any]]:
    """Exit status and stderr of every command of ours in a process with that database."""
    texts = {
        "train": '{"method": "dpo", "dataset": "%s", "base_model": "b"}' % ("a" * 64),
        "import_pairs": '{"prompt": "Hi?", "response_a": "Yes.", "response_b": "No."}',
        "import_prompts": '{"prompt": "Hi?"}',
        "import_constitution": '["Choose the kinder answer."]',
    }
    files = {}
    for name, text in texts.items():
        files[name] = str(tmp_path / f"{name}.json{'l' if 'p' in name[-7:] else ''}")
        Path(files[name]).write_text(text)
    extra = {
        "critique": ["--constitution", "c"],
        "judge": ["--constitution", "c"],
        "evaluate": ["--dataset", "a" * 64],
        "import_constitution": ["--slug", "c"],
    }
    done = subprocess.run(
        [sys.executable, "-c", f"EXTRA, FILES = {extra!r}, {files!r}\n{RUN_ALL}"],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": database_url,
            "CONCORD_HOME": str(tmp_path),
        },
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, list[Any]] = json.loads(done.stdout.splitlines()[-1])
    return answers


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:///{folder}/empty.sqlite3", "The database has not been migrated. Run"),
        ("sqlite:///{folder}/nowhere/at/all.sqlite3", "The database cannot be used: "),
    ],
)
def test_every_command_says_so_in_one_line(tmp_path: Path, url: str, words: str) -> None:
    said = run_all(tmp_path, url.format(folder=tmp_path))

    assert len(said) >= 16
    for name, (status, errors) in said.items():
        assert status == 2, (name, errors)
        assert errors.count("\n") == 1, (name, errors)
        assert words in errors, (name, errors)


def test_djangos_own_commands_say_it_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "changepassword", "carol"],
        env={**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3"},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert done.returncode == 2
    assert done.stderr.startswith("The database has not been migrated.")
    assert done.stderr.count("\n") == 1
