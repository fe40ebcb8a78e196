"""The Celery application, its queues and its one schedule.

Jobs of minutes or hours hold a place of their worker as long as they last, so they share none with
what must go on meanwhile: training runs have the queue `training`, and what the schedule asks for
has `upkeep`. Everything else is `default`.
"""

import os

from celery import Celery
from celery.signals import worker_shutting_down
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("concord")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.task_routes = {"training.tasks.*": {"queue": "training"}}
app.conf.beat_schedule = {
    "start again what died": {
        "task": "jobs.tasks.reap_jobs_task",
        "schedule": settings.REAP_INTERVAL_SECONDS,
        "options": {"queue": "upkeep", "expires": settings.REAP_INTERVAL_SECONDS},
    },
    "end trainers whose run was given up": {
        "task": "training.tasks.stop_orphans_task",
        "schedule": 60.0,
        "options": {"expires": 60.0},
    },
    "open slots whose lease ran out": {
        "task": "annotation.tasks.release_expired_slots_task",
        "schedule": 60.0,
        "options": {"queue": "upkeep", "expires": 60.0},
    },
    "look at raters' gold answers": {
        "task": "annotation.tasks.check_raters_task",
        "schedule": 60.0,
        "options": {"queue": "upkeep", "expires": 60.0},
    },
    "count agreement anew where labels came in": {
        "task": "annotation.tasks.refresh_agreement_task",
        "schedule": 300.0,
        "options": {"queue": "upkeep", "expires": 300.0},
    },
    "keep the reply cache within its bound": {
        "task": "serving.tasks.trim_replies_task",
        "schedule": 300.0,
        "options": {"queue": "upkeep", "expires": 300.0},
    },
    "notice servers that lost their supervisor": {
        "task": "serving.tasks.note_lost_supervisors_task",
        "schedule": 60.0,
        "options": {"queue": "upkeep", "expires": 60.0},
    },
    "make the words by which pairs are found": {
        "task": "corpus.tasks.index_words_task",
        "schedule": 60.0,
        "options": {"queue": "upkeep", "expires": 60.0},
    },
    "throw away files that were imported, or are not wanted": {
        "task": "corpus.tasks.tidy_uploads_task",
        "schedule": 600.0,
        "options": {"queue": "upkeep", "expires": 600.0},
    },
    "find pairs that seniors should decide": {
        "task": "annotation.tasks.find_adjudications_task",
        "schedule": 60.0,
        "options": {"queue": "upkeep", "expires": 60.0},
    },
}


@worker_shutting_down.connect
def hand_jobs_back(**_kwargs: object) -> None:
    """A worker that is told to stop puts its jobs back in the queue instead of finishing them."""
    from jobs.runner import shutdown_requested

    shutdown_requested.set()
