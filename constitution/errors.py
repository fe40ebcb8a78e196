"""Errors of the constitution package.

ConstitutionError
├── NotADraftError       a published or retired version was to be changed
├── EmptyVersionError    a version without principles was to be published
└── UnknownConstitutionError  no such constitution or version (SLUG or SLUG@N)
"""


class ConstitutionError(Exception):
    pass


class NotADraftError(ConstitutionError):
    pass


class EmptyVersionError(ConstitutionError):
    pass


class UnknownConstitutionError(ConstitutionError):
    pass
