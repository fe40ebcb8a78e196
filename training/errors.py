"""Errors of the training package (its web half).

TrainingError
├── BadSpecError        a field of the spec is wrong; the message names it
└── UnknownModelError   no model of that name in the project, no such folder
"""


class TrainingError(Exception):
    pass


class BadSpecError(TrainingError):
    pass


class UnknownModelError(TrainingError):
    pass
