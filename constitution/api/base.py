"""What operations on constitutions and their runs share: their errors in the API's one form."""

from __future__ import annotations

import re
from typing import ClassVar

from rest_framework.response import Response

from accounts.api.base import ProjectView
from constitution.errors import (
    BadConstitutionFileError,
    BadPrincipleError,
    BadVerifierError,
    ConstitutionError,
    ReasonMissingError,
    UnknownConstitutionError,
)
from serving.errors import UnknownModelError

Errors = tuple[type[Exception], ...]


class ErrorsTold(ProjectView):
    """A view whose refusals by a service are {"code", "message"} with 400, 404 or 409."""

    told: ClassVar[Errors] = (ConstitutionError, UnknownModelError)
    bad_input: ClassVar[Errors] = (
        BadConstitutionFileError,
        BadPrincipleError,
        BadVerifierError,
        ReasonMissingError,
    )

    def handle_exception(self, exc: Exception) -> Response:
        if not isinstance(exc, self.told):
            return super().handle_exception(exc)
        status = 409
        if isinstance(exc, self.bad_input):
            status = 400
        elif isinstance(exc, UnknownConstitutionError):
            status = 404
        code = re.sub(r"(?<!^)(?=[A-Z])", "_", type(exc).__name__.removesuffix("Error")).lower()
        return Response({"code": code, "message": str(exc)}, status=status)
