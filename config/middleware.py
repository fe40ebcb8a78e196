"""What every request passes through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

LARGEST_ID = 2**63 - 1


class KnownIds:
    """A number in an address that is too large for any id names nothing: 404, not an overflow."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        _view: Callable[..., HttpResponseBase],
        _args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        if not any(isinstance(one, int) and one > LARGEST_ID for one in kwargs.values()):
            return None
        if request.path.startswith("/api/"):
            return JsonResponse({"code": "not_found", "message": "Not found."}, status=404)
        raise Http404("This page does not exist.")
