"""`manage.py quickstart`: database, sample project and logins, ready to be used."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from jobs.commands import ConcordCommand, Outcome
from judging.measures.attack_words import attack_data, attack_words
from judging.models import AttackRun
from training.rounds.sample import attack_sample_judge, load_sample


class Command(ConcordCommand):
    help = (
        "Migrate the database, load the sample project and print the address and logins "
        "(passwords are shown only once)."
    )

    def run(self, **options: Any) -> Outcome:
        migrate_if_needed()
        logins = load_sample()
        attacked = self._attack() if logins else None
        address = f"http://{settings.BIND}/"
        lines = [f"Concord is at {address}"]
        if attacked is not None:
            lines += ["", attack_words(attacked)]
        if logins:
            lines += ["", "Logins (the passwords are shown only once):"]
            lines += [f"  {one.username:8} {one.password:20} {one.role}" for one in logins]
            lines.append("")
        else:
            lines.append(
                "The accounts already exist; use `manage.py changepassword NAME` to set a new "
                "password."
            )
        return Outcome(
            data={
                "address": address,
                "logins": [
                    {"username": one.username, "password": one.password, "role": one.role}
                    for one in logins
                ],
                "judge": None if attacked is None else attack_data(attacked),
            },
            summary="\n".join(lines),
        )

    def _attack(self) -> AttackRun:
        self.note("Attacking the sample project's judge with worthless answers …")
        return attack_sample_judge()


def migrate_if_needed() -> bool:
    """Bring the database up to date; whether anything was to be done."""
    executor = MigrationExecutor(connection)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return False
    call_command("migrate", interactive=False, verbosity=0)
    return True
