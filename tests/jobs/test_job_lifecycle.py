"""Claims, leases, cancellation and the reaper, on a real job model."""

from __future__ import annotations

import datetime as dt
import errno
import threading

import pytest
from django.db import connection, connections
from django.utils import timezone

from jobs import runner, services
from jobs.errors import LeaseLost, PermanentJobError, TransientJobError
from jobs.models import JobState
from jobs.runner import JobContext, run_job, words_of
from judging.models import JudgeConfig, JudgeRun
from tests.builders import make_project, make_rater

LONG_AGO = dt.timedelta(hours=1)


def make_job(**fields: object) -> JudgeRun:
    project = make_project()
    config = JudgeConfig.objects.create(
        project=project, rater=make_rater(project, "judge", kind="judge")
    )
    return JudgeRun.objects.create(project=project, config=config, selection={}, **fields)


def do_nothing(context: JobContext[JudgeRun]) -> None:
    context.report(1, 1)


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_that_claim_one_job_exactly_one_gets_it() -> None:
    job = make_job()
    claimed = []
    barrier = threading.Barrier(6)

    def claim(number: int) -> None:
        try:
            barrier.wait()
            if services.claim_job(JudgeRun, job.pk, worker=f"w{number}") is not None:
                claimed.append(number)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(claimed) == 1
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.RUNNING, 1)


@pytest.mark.django_db(transaction=True)
def test_a_job_that_is_done_is_not_done_again_by_a_doubled_message() -> None:
    job = make_job()

    first = run_job(JudgeRun, job.pk, do_nothing)
    second = run_job(JudgeRun, job.pk, do_nothing)

    assert first is not None
    assert first.state == JobState.SUCCEEDED
    assert second is None


@pytest.mark.django_db(transaction=True)
def test_a_permanent_error_fails_at_once_with_its_message() -> None:
    job = make_job()

    def work(context: JobContext[JudgeRun]) -> None:
        raise PermanentJobError("the model folder is missing")

    done = run_job(JudgeRun, job.pk, work)

    assert done is not None
    assert (done.state, done.error, done.attempts) == (
        JobState.FAILED,
        "the model folder is missing",
        1,
    )


@pytest.mark.django_db(transaction=True)
def test_a_transient_error_goes_back_to_the_queue_until_the_attempts_are_used_up() -> None:
    job = make_job(max_attempts=2)

    def work(context: JobContext[JudgeRun]) -> None:
        raise TransientJobError("the server did not answer")

    states = []
    for _ in range(3):
        run_job(JudgeRun, job.pk, work)
        job.refresh_from_db()
        states.append(job.state)

    assert states == [JobState.QUEUED, JobState.FAILED, JobState.FAILED]
    assert job.attempts == 2


@pytest.mark.django_db(transaction=True)
def test_an_unforeseen_error_is_recorded_with_its_type(caplog: pytest.LogCaptureFixture) -> None:
    job = make_job()

    def work(context: JobContext[JudgeRun]) -> None:
        raise KeyError("nope")

    done = run_job(JudgeRun, job.pk, work)

    assert done is not None
    assert done.state == JobState.FAILED
    assert done.error.startswith("Internal error in Concord.")
    assert "KeyError: 'nope'" in done.error
    assert "failed" in caplog.text


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "The disk is full"),
        (
            PermissionError(errno.EACCES, "Permission denied", "/data"),
            "no permission to open /data",
        ),
        (MemoryError(), "ran out of memory"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "A connection failed"),
    ],
)
def test_what_a_machine_lacks_is_said_in_words(error: Exception, said: str) -> None:
    assert said in words_of(error)


@pytest.mark.django_db(transaction=True)
def test_a_queued_job_is_cancelled_at_once_and_a_running_one_at_its_next_checkpoint() -> None:
    queued = make_job()
    assert services.request_cancel(queued) == JobState.CANCELLED

    running = JudgeRun.objects.create(project=queued.project, config=queued.config, selection={})

    def work(context: JobContext[JudgeRun]) -> None:
        services.request_cancel(JudgeRun.objects.get(pk=running.pk))
        context.beat()
        context.checkpoint()

    done = run_job(JudgeRun, running.pk, work)

    assert done is not None
    assert done.state == JobState.CANCELLED


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_told_to_stop_hands_its_job_back_uncounted() -> None:
    job = make_job()
    runner.shutdown_requested.set()
    try:
        run_job(JudgeRun, job.pk, do_nothing)
    finally:
        runner.shutdown_requested.clear()

    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.QUEUED, 0)


@pytest.mark.django_db(transaction=True)
def test_the_reaper_queues_a_dead_workers_job_and_its_late_writes_are_refused() -> None:
    job = make_job()
    dead = services.claim_job(JudgeRun, job.pk, worker="dead")
    assert dead is not None
    JudgeRun.objects.update(lease_expires_at=timezone.now() - LONG_AGO)

    assert services.reap(JudgeRun, now=timezone.now()) == [job.pk]

    alive = services.claim_job(JudgeRun, job.pk, worker="alive")
    assert alive is not None
    assert alive.attempts == 2
    with pytest.raises(LeaseLost):
        services.record_progress(dead, done=5, total=9)
    with pytest.raises(LeaseLost):
        services.finish_job(dead, JobState.SUCCEEDED)
    with pytest.raises(LeaseLost):
        services.beat(dead)
    alive.refresh_from_db()
    assert (alive.state, alive.progress_done) == (JobState.RUNNING, 0)


@pytest.mark.django_db
def test_the_reaper_fails_a_job_whose_attempts_are_used_up() -> None:
    job = make_job(max_attempts=1)
    services.claim_job(JudgeRun, job.pk, worker="dead")
    JudgeRun.objects.update(lease_expires_at=timezone.now() - LONG_AGO)

    assert services.reap(JudgeRun, now=timezone.now()) == []

    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "crashed" in job.error


@pytest.mark.django_db
def test_the_reaper_cancels_what_was_being_cancelled_when_its_worker_died() -> None:
    job = make_job()
    services.claim_job(JudgeRun, job.pk, worker="dead")
    services.request_cancel(job)
    JudgeRun.objects.update(lease_expires_at=timezone.now() - LONG_AGO)

    assert services.reap(JudgeRun, now=timezone.now()) == []

    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


@pytest.mark.django_db
def test_the_reaper_leaves_a_living_job_alone() -> None:
    job = make_job()
    services.claim_job(JudgeRun, job.pk, worker="alive")

    assert services.reap(JudgeRun, now=timezone.now()) == []

    job.refresh_from_db()
    assert job.state == JobState.RUNNING


@pytest.mark.django_db
def test_a_queued_job_whose_message_may_be_lost_is_sent_again_but_not_at_once() -> None:
    job = make_job()
    now = timezone.now()

    assert services.reap(JudgeRun, now=now) == [job.pk]

    JudgeRun.objects.update(sent_at=now)
    assert services.reap(JudgeRun, now=now + dt.timedelta(seconds=1)) == []
    assert services.reap(JudgeRun, now=now + dt.timedelta(minutes=5)) == [job.pk]


@pytest.mark.django_db(transaction=True)
def test_a_job_is_announced_only_after_its_transaction_has_committed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from django.db import transaction

    sent: list[int] = []
    monkeypatch.setattr("celery.current_app.send_task", lambda _name, args: sent.append(args[0]))
    with transaction.atomic():
        job = make_job()
        services.enqueue(job)
        assert sent == []

    assert sent == [job.pk]
    assert connection.in_atomic_block is False


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_down_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from kombu.exceptions import OperationalError

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("celery.current_app.send_task", refuse)
    job = make_job()

    services.enqueue(job)

    job.refresh_from_db()
    assert job.state == JobState.QUEUED
    assert "did not take" in caplog.text
