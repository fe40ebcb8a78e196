"""Entry points: settings, URLs, Celery, WSGI. Nobody imports it but those who start a process."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
