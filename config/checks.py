"""System checks that stop a server deployment with a missing or dangerous setting."""

from collections.abc import Sequence

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning


@register()
def check_secret_key(
    app_configs: Sequence[AppConfig] | None, **_kwargs: object
) -> list[CheckMessage]:
    if settings.DEPLOYMENT == "server" and not settings.SECRET_KEY_IS_CONFIGURED:
        return [
            Error(
                "CONCORD_SECRET_KEY is not set.",
                hint="A server needs its own secret: 50 random characters, kept out of the code.",
                id="concord.E001",
            )
        ]
    return []


@register()
def check_server_database(
    app_configs: Sequence[AppConfig] | None, **_kwargs: object
) -> list[CheckMessage]:
    engine = settings.DATABASES["default"]["ENGINE"]
    if settings.DEPLOYMENT == "server" and engine.endswith("sqlite3"):
        return [
            Error(
                "A server deployment cannot run on SQLite.",
                hint="Set DATABASE_URL to a PostgreSQL database.",
                id="concord.E002",
            )
        ]
    return []


@register()
def check_front_end_packages(
    app_configs: Sequence[AppConfig] | None, **_kwargs: object
) -> list[CheckMessage]:
    missing = [name for name, folder in settings.FRONT_END_FOLDERS.items() if not folder.is_dir()]
    if missing:
        return [
            CheckWarning(
                f"Front-end packages missing from node_modules: {', '.join(missing)}.",
                hint="Run `make install` (npm ci).",
                id="concord.W001",
            )
        ]
    return []
