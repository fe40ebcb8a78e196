"""Who joins is a rater of their own, even under a name that an import has brought."""

from __future__ import annotations

import pytest

from accounts.models import Role
from accounts.services import add_member
from annotation.models import Rater
from tests.builders import make_project, make_rater, make_user, rater_for

pytestmark = pytest.mark.django_db


def test_a_member_does_not_become_the_imported_rater_of_the_same_name() -> None:
    project = make_project()
    imported = [make_rater(project, name) for name in ("erin", "erin (2)")]
    erin = make_user("erin")
    add_member(user=erin, project=project, role=Role.RATER)
    assert rater_for(erin, project).name == "erin (3)"
    assert not Rater.objects.filter(pk__in=[one.pk for one in imported], user=erin).exists()
