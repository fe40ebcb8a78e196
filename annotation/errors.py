"""Errors of the annotation package; `code` is what a program reads, the message what a person does.

AnnotationError
├── LeaseError                 the task is not (or no longer) yours
│   ├── LeaseExpiredError      the lease ran out, or the task was handed to somebody else
│   └── AlreadyLabelledError   the task has been submitted before (two tabs, a double click)
├── NothingToUndoError         there is no label of yours to take back
├── InvalidLabelError          a value that no label may have
├── StatusError                the rater's status does not allow it
├── GoldError                  a gold answer that cannot be given so
├── AdjudicationError          the pair does not wait for a senior (any more)
└── GuidelineError             a guideline that cannot be published or acknowledged
"""

from accounts.errors import RefusedError


class AnnotationError(RefusedError):
    code = "annotation_error"
    status = 400


class LeaseError(AnnotationError):
    code = "not_your_task"
    status = 409


class LeaseExpiredError(LeaseError):
    code = "lease_expired"


class AlreadyLabelledError(LeaseError):
    code = "already_labelled"


class NothingToUndoError(AnnotationError):
    code = "nothing_to_undo"
    status = 409


class InvalidLabelError(AnnotationError):
    code = "invalid_label"
    status = 400


class StatusError(AnnotationError):
    code = "wrong_status"
    status = 409


class GoldError(AnnotationError):
    code = "gold_refused"
    status = 409


class AdjudicationError(AnnotationError):
    code = "adjudication_refused"
    status = 409


class GuidelineError(AnnotationError):
    code = "guideline_refused"
    status = 409
