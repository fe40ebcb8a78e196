"""Template filters for what the corpus holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import template
from django.forms import (
    BaseForm,
    BoundField,
    CheckboxInput,
    CheckboxSelectMultiple,
    FileField,
    RadioSelect,
    Select,
)
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from corpus import conversations
from corpus.rendering import render_markdown
from corpus.strata import said_share
from figures import words

register = template.Library()


@register.filter
def markdown(text: str) -> SafeString:
    """A prompt's or completion's text as safe HTML."""
    return render_markdown(text)


@register.inclusion_tag("corpus/_turns.html")
def conversation(turns: conversations.Turns) -> dict[str, object]:
    """The turns of a prompt, with the calls and answers of tools as such."""
    return {"turns": conversations.shown(turns)}


@register.filter
def last_asked(turns: conversations.Turns) -> str:
    """What was asked last in a prompt, to know it by."""
    return conversations.last_asked(turns)


@register.filter
def percent(value: object, digits: int = 1) -> str:
    """A share in [0, 1] as a percentage; a dash where there is none."""
    return words.percent(value, digits)


@register.filter
def points(value: object, digits: int = 1) -> str:
    """A difference of two shares in percentage points; a dash where there is none."""
    return words.points(value, digits)


@register.filter
def decimals(value: object, digits: int = 3) -> str:
    """A figure with that many decimals; a dash where there is none."""
    return words.decimals(value, digits)


@register.filter
def percent_to(low: object, high: object) -> str:
    """An interval of a share: `low|percent_to:high`; a dash where there is none."""
    return words.percent_between(low, high)


@register.filter
def decimals_to(low: object, high: object) -> str:
    """An interval of a number: `low|decimals_to:high`; a dash where there is none."""
    return words.decimals_between(low, high)


@register.filter
def points_to(low: object, high: object) -> str:
    """An interval of a difference of shares: `low|points_to:high`; a dash where there is none."""
    return words.points_between(low, high)


@register.filter
def stratum_share(share: float) -> str:
    """The share of a stratum that is out of bounds, never rounded to its bound."""
    return said_share(share)


@register.filter
def few(n: object, units: str = "pairs") -> str:
    """The warning of a figure that rests on `n` units, empty where they are enough."""
    return words.few(n, units)


@register.filter
def as_sentence(text: object) -> str:
    """A text with one end, its own or a full stop."""
    return words.sentence(text)


@register.simple_tag
def said_number(figure: object, units: str = "pairs") -> str:
    """A number in one line, as commands say it: its interval or why it has none, and a warning
    where it rests on few."""
    value, low, high, n = (_of(figure, name) for name in ("value", "low", "high", "n"))
    return words.said_number(value, low, high, n, str(_of(figure, "reason") or ""), units)


def _of(figure: object, name: str) -> object:
    return figure.get(name) if isinstance(figure, Mapping) else getattr(figure, name, None)


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


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a form: what is said of it, and the id of the field that it is about."""

    said: str
    at: str = ""


@register.inclusion_tag("corpus/_errors.html")
def error_summary(form: BaseForm | str) -> dict[str, object]:
    """What a form that was refused wants corrected, with a link to each field; of any other,
    nothing. A browser keeps no file of a form that comes back, so it is asked for again."""
    if isinstance(form, str) or not form.errors:
        # A page that shows its form only to some has "" in its place.
        return {"errors": []}
    wrong = [field for field in form if field.errors]
    errors = [Wrong(str(error)) for error in form.non_field_errors()]
    errors += [
        Wrong(f"{capfirst(field.label)}: {' '.join(map(str, field.errors))}", _first_input(field))
        for field in wrong
    ]
    errors += [
        Wrong(f"{capfirst(field.label)}: choose {given.name!r} again.", field.id_for_label)
        for field in form
        if isinstance(field.field, FileField)
        and not field.errors
        and (given := form.files.get(field.html_name))
    ]
    return {"errors": errors, "fields": len(wrong)}


@register.inclusion_tag("corpus/_errors.html")
def problem_summary(problem: str, at: str) -> dict[str, object]:
    """The same for what was refused without a form: one sentence, about the field of that id."""
    return {"errors": [Wrong(problem, at)] if problem else [], "fields": 0}


def _first_input(field: BoundField) -> str:
    """The id of what is typed into or picked first; empty where that is hidden."""
    if field.is_hidden:
        return ""
    if isinstance(field.field.widget, CheckboxSelectMultiple | RadioSelect):
        return next((one.id_for_label for one in field.subwidgets), "")
    return field.id_for_label


@register.filter
def item(mapping: Mapping[str, Any] | None, key: str) -> Any:
    """mapping[key], empty where there is none."""
    return mapping.get(key, "") if mapping else ""


@register.filter
def duration(seconds: object) -> str:
    """Hours and minutes, or minutes and seconds; a dash where there is no time."""
    if not words.is_figure(seconds):
        return "–"
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 60} min {whole % 60} s"


@register.filter
def share_of_100(value: object) -> str:
    """A share in [0, 1] as a length in a picture 100 wide."""
    return f"{100 * min(1.0, max(0.0, value)):.2f}" if words.is_figure(value) else "0"


@register.filter
def any_unfinished(jobs: Iterable[Any]) -> bool:
    """Whether any of the jobs that a page lists is still queued or running."""
    return any(not job.is_finished for job in jobs)
