"""The JSON of how a result is written, beside its format."""

from __future__ import annotations

from shared.aggregation.json_object import JsonObject


class OutputOptionsIn(JsonObject):
    """How the result is written."""

    escape_formulas: bool = False
    """Whether text in CSV, names of columns too, gets an apostrophe before it if it begins with
    `=`, `+`, `-`, `@`, TAB or CR, so that a spreadsheet does not take it for a formula"""
