"""The error responses that the OpenAPI document lists for every operation."""

from __future__ import annotations

from typing import Any

ERROR = {"$ref": "#/components/schemas/ErrorOutput"}

ALWAYS = {
    "401": "Not signed in: send a token or a session cookie.",
    "403": "Your role in the project does not allow it.",
    "404": "The project or object does not exist, or you have no access to it.",
    "406": "Responses are available as JSON only.",
}
READING = {"400": "Invalid parameters; `fields` says which and why."}
CHANGING = {
    "400": "Invalid input; `fields` says what and why. Nothing was changed.",
    "409": "Not possible in the current state; nothing was changed.",
    "415": "Requests must be JSON.",
}


def name_refusals(result: dict[str, Any], **_given: Any) -> dict[str, Any]:
    """A postprocessing hook: each operation names the refusals that any of its kind may answer
    with, beside those that it describes itself."""
    for path in result["paths"].values():
        for method, operation in path.items():
            refusals = ALWAYS | (READING if method in ("get", "head") else CHANGING)
            for status, words in refusals.items():
                operation["responses"].setdefault(
                    status,
                    {"description": words, "content": {"application/json": {"schema": ERROR}}},
                )
    return result
