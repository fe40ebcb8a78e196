"""What operations on constitutions and their runs share: their errors in the API's one form."""

from __future__ import annotations

from typing import ClassVar

from accounts.api import base
from constitution.errors import (
    BadConstitutionFileError,
    BadPrincipleError,
    BadVerifierError,
    ConstitutionError,
    ReasonMissingError,
    UnknownConstitutionError,
)
from serving.errors import UnknownModelError


class ErrorsTold(base.ErrorsTold):
    """A view whose refusals by a service are {"code", "message"} with 400, 404 or 409."""

    told: ClassVar[base.Errors] = (ConstitutionError, UnknownModelError)
    bad_input: ClassVar[base.Errors] = (
        BadConstitutionFileError,
        BadPrincipleError,
        BadVerifierError,
        ReasonMissingError,
    )
    missing: ClassVar[base.Errors] = (UnknownConstitutionError,)
