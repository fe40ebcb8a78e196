"""Errors of the jobs package.

JobError                 what a job's work raises to fail with a clear message
├── PermanentJobError    no retry can save it (bad input, missing model)
└── TransientJobError    worth another attempt (a server did not answer)
JobInterrupted           raised by a checkpoint when the work has to stop; never a failure
├── JobCancelled         somebody asked for it
├── WorkerStopping       the worker is going down: the job goes back to the queue
└── LeaseLost            another worker has the job now: touch nothing more
"""


class JobError(Exception):
    permanent: bool = True


class PermanentJobError(JobError):
    permanent = True


class TransientJobError(JobError):
    permanent = False


class JobInterrupted(Exception):  # noqa: N818 -- an interruption, not an error
    """The work has to stop here."""


class JobCancelled(JobInterrupted):
    pass


class WorkerStopping(JobInterrupted):
    pass


class LeaseLost(JobInterrupted):
    pass
