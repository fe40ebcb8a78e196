"""Template filters for what the corpus holds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeGuard

from django import template
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, Select
from django.utils.safestring import SafeString

from corpus.rendering import render_markdown

register = template.Library()


@register.filter
def markdown(text: str) -> SafeString:
    """A prompt's or completion's text as safe HTML."""
    return render_markdown(text)


@register.filter
def percent(value: object, digits: int = 1) -> str:
    """A share in [0, 1] as a percentage; a dash where there is none."""
    return f"{100 * value:.{digits}f} %" if _is_figure(value) else "–"


@register.filter
def decimals(value: object, digits: int = 3) -> str:
    """A figure with that many decimals; a dash where there is none."""
    return f"{value:.{digits}f}" if _is_figure(value) else "–"


def _is_figure(value: object) -> TypeGuard[float]:
    """No figure: None, nan, and the empty text which a template makes of what is missing."""
    return isinstance(value, int | float | Decimal) and math.isfinite(value)


@register.filter
def bootstrap(field: BoundField) -> SafeString:
    """A form field with Bootstrap's class for its kind."""
    widget = field.field.widget
    if isinstance(widget, CheckboxSelectMultiple):
        # A class would be put on the box around all of them too.
        return field.as_widget()
    if isinstance(widget, CheckboxInput):
        css = "form-check-input d-block"
    else:
        css = "form-select" if isinstance(widget, Select) else "form-control"
    return field.as_widget(attrs={"class": f"{css} is-invalid" if field.errors else css})


@register.filter
def item(mapping: Mapping[str, Any] | None, key: str) -> Any:
    """mapping[key], empty where there is none."""
    return mapping.get(key, "") if mapping else ""


@register.filter
def duration(seconds: object) -> str:
    """Hours and minutes, or minutes and seconds; a dash where there is no time."""
    if not _is_figure(seconds):
        return "–"
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 60} min {whole % 60} s"


@register.filter
def share_of_100(value: object) -> str:
    """A share in [0, 1] as a length in a picture 100 wide."""
    return f"{100 * min(1.0, max(0.0, value)):.2f}" if _is_figure(value) else "0"
