"""Every template that shows the fields of a form shows at its top what was wrong with them."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

FIELDS = ("|bootstrap", "includes/field.html", "_policy_field.html", "in form %}", "field_notes")
PARTS = {"field.html", "_policy_field.html", "field_notes.html"}
"""One field of a form whose template has the summary."""


def test_no_form_leaves_out_its_summary() -> None:
    showing = [
        path
        for path in Path(settings.BASE_DIR).glob("*/templates/**/*.html")
        if path.name not in PARTS and any(one in path.read_text() for one in FIELDS)
    ]
    assert len(showing) >= 10
    lacking = [path.name for path in showing if "{% error_summary" not in path.read_text()]
    assert lacking == []
