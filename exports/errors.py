"""Errors of the exports package.

ExportError
├── NothingToFreezeError   no row is left after the filters; `dropped` says why
├── BadFilterError         a filter names what is not there, or not ready
└── UnknownDatasetError    no dataset version of that hash
"""

from __future__ import annotations

from collections.abc import Mapping

from exports.words import reason_words


class ExportError(Exception):
    pass


class NothingToFreezeError(ExportError):
    def __init__(self, dropped: Mapping[str, int]) -> None:
        why = ", ".join(f"{reason_words(one)} ({count})" for one, count in dropped.items())
        super().__init__(f"No rows would be left for training. Left out: {why or 'nothing'}.")
        self.dropped = dict(dropped)


class UnknownDatasetError(ExportError):
    pass


class BadFilterError(ExportError):
    pass
