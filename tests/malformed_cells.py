"""Cells in columns of numbers and dates, grouped as in the tables of docs/aggregation.md."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import TYPE_CHECKING

from shared.csv.dialect import Input

if TYPE_CHECKING:
    from collections.abc import Iterable

NO_NUMBERS: dict[str, list[str]] = {
    "a decimal comma": ["1,5", "1.234,5"],
    "thousands separators": [
        "1,234",
        "1 234",
        "1\u00a0234",
        "1\u202f234",
        "1'234",
        "1_000",
        "1.234.567",
    ],
    "surrounding spaces": [
        " 5",
        "5 ",
        "\t5",
        "\u00a05",
        "5\u00a0",
        "\ufeff5",
        "\u200b5",
        "5\n",
        " ",
    ],
    "a unit or currency": ["$5", "€5", "5€", "5 EUR", "5%", "5kg", "5L", "5f"],
    "a sign in another place, or another sign": [
        "(5)",
        "5-",
        "- 5",
        "--5",
        "+-5",
        "\u22125",
        "\u20135",
        "±5",
    ],
    "digits other than 0 to 9": ["\uff11\uff12", "\u0663", "½", "²", "IV"],
    "other bases, and programming literals": ["0x10", "0b1", "0o7", "1e", "1d3", "1e3.5", "1.5.2"],
    "words for a missing value": [
        "NA",
        "N/A",
        "n/a",
        "NULL",
        "null",
        "None",
        "nil",
        "\\N",
        "NaN",
        "nan",
        "-",
        "--",
        ".",
        "?",
    ],
    "infinity": ["inf", "-inf", "Infinity", "∞"],
    "spreadsheet errors": ["#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NUM!", "#NAME?", "####"],
    "spreadsheet formulas and text": ["=1+1", "=A1", "+A1", "@SUM(1)", "'5", '="5"', '"5"'],
    "truth values": ["TRUE", "false", "yes", "t"],
    "dates and times": ["2020-01-31", "01/02/2020", "1.2.2020", "12:30", "Jan-20", "1:30:00"],
    "fractions and ranges": ["1/2", "1-2", "1..2", "~5", "<5", "5*"],
    "exponents beyond 400": ["1e401", "1e-401", "1e99999999999"],
}
NUMBERS: dict[str, list[tuple[str, str]]] = {
    "plain, with a sign, with leading zeros": [
        ("42", "42"),
        ("-7", "-7"),
        ("+5", "5"),
        ("007", "7"),
        ("-0", "0"),
    ],
    "with decimals, or digits only on one side of the point": [
        ("0.10", "0.10"),
        (".5", "0.5"),
        ("5.", "5"),
    ],
    "with an exponent, as spreadsheets write large numbers": [
        ("1e3", "1000"),
        ("1E+03", "1000"),
        ("1.23457E+11", "123457000000"),
        ("2.5e-3", "0.0025"),
    ],
    "a day number, as spreadsheets store dates": [("43831", "43831"), ("43831.5", "43831.5")],
    "an empty cell": [("", "")],
}
"""Each cell with its value as sums show it."""
NO_DATES: dict[str, list[str]] = {
    "another order of day, month and year": ["01/02/2020", "31.01.2020", "31-01-2020", "1/2/20"],
    "names of months": ["Jan 31, 2020", "31-Jan-2020", "2020 January 31"],
    "a day number, or a Unix time": ["43831", "1580428800"],
    "missing parts, or missing leading zeros": [
        "2020-01",
        "2020",
        "2020-1-31",
        "20200131",
        "2020-W05-5",
    ],
    "days that do not exist": ["2020-02-30", "2021-02-29", "0000-00-00", "2020-13-01"],
    "spaces around a date": [" 2020-01-31", "2020-01-31 ", "2020-01-31\u00a0"],
    "12-hour times, or times beyond the day": ["2020-01-31 1:30 PM", "2020-01-31T24:00"],
    "words for a missing date": ["NA", "NULL", "-", "NaT", "never"],
}
BAD_NUMBERS = [cell for cells in NO_NUMBERS.values() for cell in cells]
GOOD_NUMBERS = [cell for cells in NUMBERS.values() for cell in cells]
BAD_DATES = [cell for cells in NO_DATES.values() for cell in cells]
DECLARED = Input(
    delimiter=",", quote='"', escape="", line_end="lf", encoding="utf-8", compression="none"
)
"""The dialect of `file_of`."""


def file_of(cells: Iterable[str], *, good: str = "7") -> bytes:
    """Return a file with a good record, then one record per cell. Every field is quoted."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerows([["a", "b"], ["good", good], *(["x", cell] for cell in cells)])
    return text.getvalue().encode()


def summed(numbers: Iterable[tuple[str, str]]) -> str:
    """Return the sum of the numbers, with the largest number of decimals among them."""
    total = sum(Decimal(value) for _, value in numbers if value)
    return format(total, "f")
