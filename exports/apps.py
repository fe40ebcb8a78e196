from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from corpus.models import Import, Project


class ExportsConfig(AppConfig):
    name = "exports"

    def ready(self) -> None:
        from accounts.steps import register_steps
        from corpus.imports.dependants import register_check
        from exports.first_steps import FIRST_STEP
        from judging.selectors import provide_dataset_pairs

        register_steps(FIRST_STEP)
        register_check(_frozen)
        provide_dataset_pairs(_dataset_pairs)


def _dataset_pairs(project: Project, sha256: str) -> Iterable[str]:
    # Here and not above: PyArrow takes a while, and most commands read no dataset.
    from exports.selectors import dataset_pairs

    return dataset_pairs(project, sha256)


def _frozen(job: Import) -> list[str]:
    from exports.selectors import datasets_on_import

    return datasets_on_import(job)
