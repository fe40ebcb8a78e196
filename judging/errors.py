"""Errors of the judging package.

JudgingError
├── UnknownTemplateError    no template of that name
└── NotOursToRunError       a foreign judge (its verdicts were imported) was to be run here
"""


class JudgingError(Exception):
    pass


class UnknownTemplateError(JudgingError):
    pass


class NotOursToRunError(JudgingError):
    pass
