"""What the OpenAPI document says of every operation alike: how it refuses."""

from __future__ import annotations

from typing import Any

ERROR = {"$ref": "#/components/schemas/ErrorOutput"}

ALWAYS = {
    "401": "Not signed in: a token or a session is needed.",
    "403": "Your role in the project does not allow it.",
    "404": "There is no such project or object, or it is not for you.",
    "406": "Only JSON is answered with.",
}
READING = {"400": "A parameter that cannot be; `fields` says which and why."}
CHANGING = {
    "400": "The input cannot be; `fields` says what and why. Nothing was changed.",
    "409": "Refused as things stand; nothing was changed.",
    "415": "Only JSON is read.",
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
