"""Errors of the judging package.

JudgingError
├── UnknownTemplateError    no template of that name
├── NotOursToRunError       a foreign judge or a reviser was to be run here
├── CannotRunError          its engine cannot open its model in this installation
├── NoAuditSetError         there is no pair that humans have decided
├── NothingToTryError       a trial or impact of a constitution without a principle to try
├── BadSettingsError        settings that no judge can have
├── JudgeExistsError        another judge has that name
├── NotCalibratableError    too few pairs that humans decided, or all decided alike
└── UnknownSelectionError   pairs were asked for by what there is not
"""


class JudgingError(Exception):
    pass


class UnknownTemplateError(JudgingError):
    pass


class NotOursToRunError(JudgingError):
    pass


class CannotRunError(JudgingError):
    pass


class NoAuditSetError(JudgingError):
    pass


class NothingToTryError(JudgingError):
    pass


class BadSettingsError(JudgingError):
    pass


class JudgeExistsError(JudgingError):
    pass


class NotCalibratableError(JudgingError):
    pass


class UnknownSelectionError(JudgingError):
    pass
