"""Durations on the command line: 10m, 12h, 90d."""

from __future__ import annotations

import re

import click

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}


def duration(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    """Read a duration, and return its seconds."""
    if value is None:
        return None
    seconds = seconds_of(value)
    if seconds is None:
        raise click.BadParameter(f"{value!r} is not a duration; give 12h, 90d or 1y")
    return seconds


def seconds_of(text: str) -> int | None:
    """Return the seconds of a duration; None if the text is none."""
    found = re.fullmatch(r"([0-9]{1,6})([smhdwy])", text)
    return None if found is None else int(found[1]) * _UNITS[found[2]]
