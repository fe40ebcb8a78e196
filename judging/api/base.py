"""What operations on judges share: their errors in the API's one form."""

from __future__ import annotations

from typing import ClassVar

from accounts.api.base import Errors
from constitution.api import base
from judging.errors import BadSettingsError, JudgingError, UnknownTemplateError


class ErrorsTold(base.ErrorsTold):
    """A view whose refusals by a service, of constitutions or of judging, are told alike."""

    told: ClassVar[Errors] = (*base.ErrorsTold.told, JudgingError)
    bad_input: ClassVar[Errors] = (
        *base.ErrorsTold.bad_input,
        BadSettingsError,
        UnknownTemplateError,
    )
