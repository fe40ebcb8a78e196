"""Errors of the judging package.

JudgingError
├── UnknownTemplateError    no template of that name
├── NotOursToRunError       a foreign judge (its verdicts were imported) was to be run here
├── NoAuditSetError         there is no pair that humans have decided
└── NothingToTryError       a trial of a constitution without a principle that could be tried
"""


class JudgingError(Exception):
    pass


class UnknownTemplateError(JudgingError):
    pass


class NotOursToRunError(JudgingError):
    pass


class NoAuditSetError(JudgingError):
    pass


class NothingToTryError(JudgingError):
    pass
