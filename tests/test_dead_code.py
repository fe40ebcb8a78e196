"""Nothing stands about unused: functions that nobody calls, settings that nobody reads."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import global_settings, settings
from vulture.core import Vulture

ROOT = Path(settings.BASE_DIR)
PACKAGES = (
    *(
        "config",
        "training",
        "library",
        "exports",
        "judging",
        "annotation",
        "constitution",
        "serving",
    ),
    *("accounts", "corpus", "jobs", "inference", "figures", "benchmarks"),
)
KINDS = {"function", "class", "method", "property", "import", "unreachable_code"}
"""Fields and attributes are left out: Django, DRF and pydantic read them by name."""

CALLED_BY_FRAMEWORKS = (
    r"[A-Z]\w*(Config|Admin|Adapter)",  # Django finds them by settings and registration
    r"Command|add_arguments|KnownIds|process_view",
    r"has_(add|change|delete)_permission|save_model|is_open_for_signup|get_signup_redirect_url",
    r"prepare_value|clean(_\w+)?|render_\w+",  # forms
    r"get|post|patch|put|delete|validate(_\w+)?|get_[a-z_]+|to_representation",  # DRF
    r"do_GET|do_POST|log_message",  # http.server
    r"on_[a-z]+_(begin|end)|on_save|on_log|_prepare_dataset|_compute_loss",  # transformers, TRL
    r"handle_(starttag|endtag|data)",  # html.parser
    r"check_\w+|hand_jobs_back",  # registered with Django's checks and Celery's signals
    r"as_sql|readinto",  # expressions of Django, files of io
    r"name_refusals",  # named in SPECTACULAR_SETTINGS
)
DECORATORS = [
    *("@admin.register", "@register.*", "@shared_task", "@*.task", "@receiver", "@register"),
    *("@model_validator", "@field_validator", "@field_serializer", "@*.connect"),
]


def words_of_templates() -> set[str]:
    """Templates call properties, methods and filters by their names."""
    found: set[str] = set()
    templates = [path for name in PACKAGES for path in ROOT.glob(f"{name}/**/*.html")]
    assert len(templates) > 80
    for path in templates:
        found |= set(re.findall(r"[a-zA-Z_]\w*", path.read_text(encoding="utf-8")))
    return found


def test_every_function_class_and_property_is_used() -> None:
    vulture = Vulture(ignore_decorators=DECORATORS)
    sources = [str(ROOT / name) for name in PACKAGES]
    vulture.scavenge([*sources, str(ROOT / "manage.py")], exclude=["*/migrations/*"])
    called = re.compile("|".join(f"(?:{one})" for one in CALLED_BY_FRAMEWORKS))
    shown = words_of_templates()
    assert len(vulture.defined_funcs) > 500
    dead = [
        f"{one.filename.relative_to(ROOT)}:{one.first_lineno} {one.typ} {one.name}"
        for one in vulture.get_unused_code(min_confidence=60)
        if one.typ in KINDS and one.name not in shown and not called.fullmatch(one.name)
    ]
    assert dead == [], "\n".join(dead)


READ_BY_LIBRARIES = re.compile(
    r"ACCOUNT_|CELERY_|CSRF_|CONTENT_SECURITY|REST_FRAMEWORK|SPECTACULAR|SECURE_|SESSION_|EMAIL_"
    r"|MESSAGE_|STATICFILES|SILENCED|WHITENOISE|AUTHENTICATION|WSGI|ROOT_URLCONF"
)


def test_every_setting_of_ours_is_read() -> None:
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for name in PACKAGES
        for path in ROOT.glob(f"{name}/**/*.py")
    )
    text = (ROOT / "config/settings.py").read_text(encoding="utf-8")
    ours = {
        name
        for name in re.findall(r"^([A-Z][A-Z_]+)\b(?=[^=\n]*=)", text, re.MULTILINE)
        if not hasattr(global_settings, name) and not READ_BY_LIBRARIES.match(name)
    }
    assert len(ours) > 15
    unread = {
        name
        for name in ours
        if f"settings.{name}" not in code and len(re.findall(rf"\b{name}\b", text)) < 2
    }
    assert unread == set()
