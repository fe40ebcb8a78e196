"""Errors of the constitution package.

ConstitutionError
├── NotADraftError       a published or retired version was to be changed
├── NotPublishedError    what is not published was to be retired
├── EmptyVersionError    a version without principles was to be published
├── BadVerifierError     a verifier that is none
├── BadConstitutionFileError  a file that is no constitution, or a format that cannot hold one
├── UnknownTemplateError      no such critique template
├── NothingToReviseError      a run without prompts, or without a principle to revise by
├── StaleDraftError           somebody else changed what was to be changed; carries both texts
├── BadPrincipleError         a principle that cannot be stored; names the field
├── ReasonMissingError        a change that needs a reason came without one
└── UnknownConstitutionError  no such constitution or version (SLUG or SLUG@N)
"""

from __future__ import annotations

from collections.abc import Sequence


class ConstitutionError(Exception):
    pass


class NotADraftError(ConstitutionError):
    pass


class NotPublishedError(ConstitutionError):
    pass


class EmptyVersionError(ConstitutionError):
    pass


class BadVerifierError(ConstitutionError):
    pass


class BadConstitutionFileError(ConstitutionError):
    pass


class UnknownConstitutionError(ConstitutionError):
    pass


class UnknownTemplateError(ConstitutionError):
    pass


class NothingToReviseError(ConstitutionError):
    pass


class BadPrincipleError(ConstitutionError):
    """`field` is the principle's field that is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class ReasonMissingError(ConstitutionError):
    pass


class StaleDraftError(ConstitutionError):
    """Somebody else was quicker. `conflicts` are the fields that both changed."""

    def __init__(self, message: str, conflicts: Sequence[object] = ()) -> None:
        super().__init__(message)
        self.conflicts = tuple(conflicts)
