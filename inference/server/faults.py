"""What can go wrong with one call, and whether another try makes sense.

Fault                   one call that gave no usable answer
├── ConnectionFault     the server was not reached, or went away in the middle
├── BusyFault           it asked for patience (429, 503), perhaps saying how long
├── BrokenAnswerFault   5xx, half a body, not JSON, no choices, not a number
└── RefusalFault        it refuses this call (4xx): another try gives the same
    ├── AccessFault         it does not let us in (401, 403), whatever is asked
    └── UnknownModelFault   it does not have the model (404)
"""

from __future__ import annotations

import math
from typing import Any

import httpx

_BUSY = frozenset({429, 503})
_ACCESS = frozenset({401, 403})
_TRANSIENT = frozenset({408, 425})
_QUOTED_CHARACTERS = 300


class Fault(Exception):  # noqa: N818 -- the errors are those of inference.errors
    """One call that gave no usable answer; the message says what came instead."""

    retry_after_seconds: float = 0.0


class ConnectionFault(Fault):
    """Nothing came: the server was not reached, went away, or took too long."""


class BusyFault(Fault):
    """The server asked for patience."""

    def __init__(self, message: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class BrokenAnswerFault(Fault):
    """Something came that is no answer."""


class RefusalFault(Fault):
    """The server understood and refuses."""


class AccessFault(RefusalFault):
    """The server does not let us in."""


class UnknownModelFault(RefusalFault):
    """The server does not have the model (or no longer has the adapter)."""


def answer_of(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of a good response.

    Raises:
        BusyFault, RefusalFault (and its kinds), BrokenAnswerFault: by status and body.
    """
    status = response.status_code
    if status in _BUSY:
        raise BusyFault(f"{status}: {_message(response)}", _retry_after(response))
    if status in _ACCESS:
        raise AccessFault(f"{status}: {_message(response)}")
    if status == 404 and "model" in _message(response).lower():
        raise UnknownModelFault(f"404: {_message(response)}")
    if 400 <= status < 500 and status not in _TRANSIENT:
        raise RefusalFault(f"{status}: {_message(response)}")
    if status != 200:
        raise BrokenAnswerFault(f"{status}: {_message(response)}")
    try:
        body = response.json()
    except ValueError as error:
        raise BrokenAnswerFault(f"the body is not JSON: {_quoted(response)}") from error
    if not isinstance(body, dict):
        raise BrokenAnswerFault(f"the body is not a JSON object: {_quoted(response)}")
    return body


def _message(response: httpx.Response) -> str:
    """What the server says is wrong, from the places where OpenAI and vLLM put it."""
    try:
        body = response.json()
    except ValueError:
        return _quoted(response)
    if not isinstance(body, dict):
        return _quoted(response)
    error = body.get("error", body)
    said = error.get("message") if isinstance(error, dict) else error
    return str(said or body.get("detail") or _quoted(response))[:_QUOTED_CHARACTERS]


def _quoted(response: httpx.Response) -> str:
    text = response.text[:_QUOTED_CHARACTERS]
    return repr(text) if text else "an empty body"


def _retry_after(response: httpx.Response) -> float:
    """Seconds; 0 where the header is missing or a date."""
    try:
        seconds = float(response.headers.get("retry-after", "0"))
    except ValueError:
        return 0.0
    return seconds if 0 < seconds < math.inf else 0.0
