"""Files that people drop into the page, and what is right about them."""

from __future__ import annotations

import os
import random
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from shared.jobs.job import SONG_PLAYS
from tests.oracle import expected_result

if TYPE_CHECKING:
    from pathlib import Path

SONGS = ("Blue Monday", "Dancing Queen", "Für Elise", "Purple Rain", "La vie en rose")
REGIONS = ("North", "South", "East", "West")
PRODUCTS = ("Tea", "Coffee", "Cocoa")

HOSTILE_NAME = "<img src=x onerror=alert(1)>'\"&amp; \u202egpj.csv"
"""A file name that is not harmless as HTML, and that turns the direction of text."""
HOSTILE_CELLS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "${alert(1)} {{7*7}}",
    "\u202eesrever",
    "a" * 400,
)
"""Texts of cells that are not harmless as HTML, or that no table is wide enough for."""


def plays(path: Path, rows: int = 2000) -> bytes:
    """Write song plays, as the first clients' files have them; return the result of their job."""
    draw = random.Random(7)
    lines = [
        f"{draw.choice(SONGS)},2026-{draw.randrange(1, 4):02d}-{draw.randrange(1, 29):02d},"
        f"{draw.randrange(1, 500)}\n"
        for _ in range(rows)
    ]
    data = "".join(["Song,Date,Number of Plays\n", *lines]).encode()
    path.write_bytes(data)
    return expected_result(SONG_PLAYS, data).result


def sales(path: Path, rows: int = 2000, *, by: str = "region") -> dict[str, Decimal]:
    """Write sales, with decimals; return the sum of `amount` for each `region` or `product`."""
    draw = random.Random(11)
    totals: dict[str, Decimal] = defaultdict(Decimal)
    lines = ["date,region,product,units,amount\n"]
    for _ in range(rows):
        region = draw.choice(REGIONS)
        units = draw.randrange(1, 40)
        amount = Decimal(draw.randrange(100, 250_000)) / 100
        product = draw.choice(PRODUCTS)
        totals[{"region": region, "product": product}[by]] += amount
        day = f"2026-{draw.randrange(1, 13):02d}-{draw.randrange(1, 29):02d}"
        lines.append(f"{day},{region},{product},{units},{amount:.2f}\n")
    path.write_text("".join(lines), encoding="utf-8")
    return dict(totals)


def damaged_sales(path: Path, rows: int, bad: int) -> None:
    """Write sales of which `bad` rows have an amount that is no number, or too few cells."""
    sales(path, rows)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    for number in range(bad):
        at = 1 + (number + 1) * rows // (bad + 1)
        cells = lines[at].rstrip("\n").split(",")
        lines[at] = ",".join([*cells[:4], "n/a"] if number % 3 else cells[:3]) + "\n"
    path.write_text("".join(lines), encoding="utf-8")


def german_sales(path: Path, rows: int = 200) -> None:
    """Write sales with semicolons and decimal commas, in Windows-1252."""
    draw = random.Random(13)
    lines = ["Datum;Straße;Betrag\n"]
    for _ in range(rows):
        euros = f"{draw.randrange(1, 900)},{draw.randrange(100):02d}"
        lines.append(f"2026-03-{draw.randrange(1, 29):02d};Königsallee;{euros}\n")
    path.write_bytes("".join(lines).encode("cp1252"))


def hostile(path: Path) -> None:
    """Write a file with a header and cells that are not harmless as HTML."""
    quoted = ['"' + text.replace('"', '""') + '"' for text in HOSTILE_CELLS]
    lines = ['"<b>name</b>",value\n', *(f"{text},{n}\n" for n, text in enumerate(quoted, 1))]
    path.write_text("".join(lines), encoding="utf-8")


def sparse_plays(path: Path, size: int) -> None:
    """Write a file of `size` bytes that starts with song plays and takes next to no disk."""
    plays(path, rows=40_000)
    assert path.stat().st_size < size
    os.truncate(path, size)
