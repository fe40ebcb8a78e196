"""The constitutions that we bring."""

from __future__ import annotations

import pytest

from constitution.models import ConstitutionVersion
from constitution.selectors import compared_principles, revised_principles
from constitution.services import create_draft, publish_version
from constitution.starters import STARTERS, Starter, starter
from constitution.verifiers import read_verifier
from inference.sandbox.prompts import PRINCIPLES
from tests.builders import make_project


@pytest.mark.parametrize("name", STARTERS)
@pytest.mark.django_db
def test_a_starter_can_be_published_and_every_principle_compares_criticises_and_revises(
    name: Starter,
) -> None:
    found = starter(name)
    draft = create_draft(
        project=make_project(),
        slug=name,
        name=found.name,
        principles=found.principles,
        few_shots=found.few_shots,
    )

    version = publish_version(version=draft)

    assert version.status == ConstitutionVersion.Status.PUBLISHED
    assert len(compared_principles(version)) == len(found.principles)
    assert len(revised_principles(version)) == len(found.principles)


def test_the_starter_speaks_of_what_matters() -> None:
    names = {one.name for one in starter("starter").principles}

    assert len(names) >= 16
    assert {"helpful", "honest", "harmless", "clear", "concise", "respectful", "private"} <= names
    assert {"uncertain where it is", "asks when ambiguous"} <= names


def test_the_sandbox_starter_has_the_words_that_the_model_knows() -> None:
    found = {one.name: one for one in starter("sandbox").principles}

    assert set(found) == set(PRINCIPLES)
    for key, known in PRINCIPLES.items():
        assert found[key].comparison == known.comparison
        assert found[key].critique_request == known.critique_request
        assert found[key].revision_request == known.revision_request
    assert read_verifier(found["concise"].verifier).check("a " * 27).value == 0.0
