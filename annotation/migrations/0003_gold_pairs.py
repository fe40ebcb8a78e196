"""Gold answers that were there before become gold pairs: settled where all say the same."""

import random
from collections import defaultdict
from typing import Any

from django.db import migrations
from django.utils import timezone


def gather(apps: Any, schema_editor: Any) -> None:
    answers = apps.get_model("annotation", "GoldAnswer").objects
    gold_pairs = apps.get_model("annotation", "GoldPair").objects
    votes: dict[tuple[int, int], list[tuple[str, bool]]] = defaultdict(list)
    rows = answers.order_by("pair_id", "id").values_list(
        "pair_id", "pair__project_id", "choice", "author_id"
    )
    for pair, project, choice, author in rows:
        votes[pair, project].append((choice, author is None))
    rng = random.Random(0)
    gold_pairs.bulk_create(
        [
            gold_pairs.model(
                pair_id=pair,
                project_id=project,
                shuffle=rng.getrandbits(62),
                **_state([choice for choice, _ in cast], any(imported for _, imported in cast)),
            )
            for (pair, project), cast in votes.items()
        ],
        batch_size=1000,
    )


def _state(choices: list[str], imported: bool) -> dict[str, Any]:
    if len(set(choices)) > 1:
        return {"state": "contested"}
    if imported or len(choices) > 1:
        return {"state": "settled", "choice": choices[0], "settled_at": timezone.now()}
    return {"state": "proposed"}


class Migration(migrations.Migration):
    dependencies = [("annotation", "0002_quality_control")]

    operations = [migrations.RunPython(gather, migrations.RunPython.noop)]
