"""Files whose numbers, dates and missing values are written as `input` declares, for tests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, get_args

from hypothesis import strategies as st

from shared.aggregation.date_format import DateFormat
from shared.aggregation.kinds import Truncation
from shared.aggregation.spec import Aggregate, Aggregation, Condition, GroupColumn
from shared.csv.dialect import NumberStyle
from tests.aggregations import RFC_4180, Case
from tests.csv_files import encode, styles

if TYPE_CHECKING:
    from shared.aggregation.functions import Function
    from shared.aggregation.kinds import Kind
    from shared.aggregation.spec import Operator

PATTERNS = (
    "%d/%m/%Y", "%m/%d/%y", "%d.%m.%Y %H:%M", "%Y%m%d", "%Y%m%d%H%M%S", "%d %b %Y", "%B %d, %Y",
    "%I:%M %p on %d-%m-%Y", "%d/%b/%Y:%H:%M:%S %z", "%Y-%m-%dT%H:%M:%S.%f%z", "%H:%M %d.%m.%y",
    "100%% %d-%m-%Y",
)  # fmt: skip
FORMATS = (*PATTERNS, "iso", "iso_zoned", "epoch", "epoch_ms")
NULLS = ["NA", "-", "N/A", "5", "a"]
UNITS = ["$", "\u20ac", "EUR", "US$", "kr", "%", "R$", "XAU", "\u00a2", "CHF"]
BLANKS = ["", "", " ", "\u00a0", "\u202f", "  "]

moments = st.builds(
    lambda second, zone: datetime.fromtimestamp(second, timezone(timedelta(minutes=zone))),
    st.integers(-(10**10), 10**10) | st.integers(0, 100_000),
    st.sampled_from([0, 120, -90, 840]),
)


@dataclass(frozen=True)
class Dates:
    """Writes dates in a format."""

    form: str

    def cells(self) -> st.SearchStrategy[str]:
        """Draw a date of this format, sometimes without the zeros that may be missing."""
        return st.builds(self.written, moments, st.booleans())

    def written(self, moment: datetime, short: bool) -> str:
        """Return a date as `strftime` writes it."""
        if self.form in ("epoch", "epoch_ms"):
            seconds = int(moment.timestamp())
            return f"{seconds}" if self.form == "epoch" else f"{1000 * seconds + 7}"
        if self.form in ("iso", "iso_zoned"):
            text = moment.isoformat(sep=" " if short else "T")
            return text if self.form == "iso_zoned" else text[:19]
        text = moment.strftime(self.form)
        return text.replace("/0", "/").replace(" 0", " ") if short else text

    def values(self) -> st.SearchStrategy[str]:
        """Draw a date as a spec compares it."""
        zoned = DateFormat(self.form).zoned
        return moments.map(lambda m: m.isoformat() if zoned else m.isoformat()[:19])


@st.composite
def numbers(draw: st.DrawFn, decimal: str) -> str:
    """Draw a number with decorations, which often contradict each other."""
    digits = draw(st.sampled_from(["5", "1234", "0.5", "12.50", "1e3", ".5", "007", "x", ""]))
    text = digits.replace(".", decimal)
    signs = st.sampled_from(["", "", "", "-", "+"])
    unit, blank = draw(st.sampled_from(UNITS)), draw(st.sampled_from(BLANKS))
    for _ in range(draw(st.integers(0, 3))):
        text = draw(
            st.sampled_from(
                [
                    f"{unit}{blank}{text}", f"{text}{blank}{unit}", f"({text})",
                    draw(signs) + text, f"{draw(signs)}{unit}{blank}{text}",
                ]
            )
        )  # fmt: skip
    return text


@st.composite
def notation_cases(draw: st.DrawFn) -> Case:
    """Draw a file of a text, a number and a date, and an aggregation of it."""
    dates = Dates(draw(st.sampled_from(FORMATS)))
    flags = st.booleans()
    declared = replace(
        RFC_4180,
        decimal=draw(st.sampled_from([".", ","])),
        null=tuple(draw(st.lists(st.sampled_from(NULLS), max_size=3))),
        number=NumberStyle(draw(flags), draw(flags), draw(st.sampled_from(["text", "negative"]))),
        date=dates.form,
        on_bad_row=draw(st.sampled_from(["skip", "skip", "skip", "fail"])),
    )
    others = Dates(draw(st.sampled_from(FORMATS)))
    row = st.tuples(
        st.sampled_from(["a", "A ", "NA", "", "-", "b", "\u00e9"]),
        numbers(declared.decimal) | st.sampled_from(["5", "1", *NULLS, ""]),
        dates.cells() | dates.cells() | others.cells() | st.sampled_from([*NULLS, ""]),
    ).map(list)
    rows = draw(st.lists(row, max_size=20))
    aggregation = Aggregation(
        group_by=tuple(draw(st.lists(_groups(), max_size=2, unique_by=lambda each: each.name))),
        aggregates=tuple(
            replace(each, name=f"o{i}")
            for i, each in enumerate(draw(st.lists(_aggregates(), min_size=1, max_size=3)))
        ),
        where=draw(st.none() | _conditions(dates)),
        input=declared,
    )
    table = [["t", "n", "d"], *rows, *rows[:5]]
    return Case(aggregation, encode(table, draw(styles)), table)


def _groups() -> st.SearchStrategy[GroupColumn]:
    truncations = st.sampled_from(get_args(Truncation))
    return st.sampled_from(
        [GroupColumn(1, "g"), GroupColumn(1, "g", trim=True, case="upper"), GroupColumn(2, "h")]
    ) | st.builds(
        lambda part, trim: GroupColumn(3, "p", part, trim=trim), truncations, st.booleans()
    )


@st.composite
def _aggregates(draw: st.DrawFn) -> Aggregate:
    of_numbers: list[Function] = ["sum", "avg", "median", "min", "max", "count_distinct"]
    of_texts: list[Function] = ["count", "count_distinct", "first", "last", "min", "max"]
    column = draw(st.integers(1, 3))
    kinds: dict[int, list[Kind]] = {1: ["text"], 2: ["text", "number", "integer"], 3: ["date"]}
    kind = draw(st.sampled_from(kinds[column]))
    functions = {"text": of_texts, "date": of_texts[-2:], "integer": of_numbers[:-1]}
    function = draw(st.sampled_from(functions.get(kind, of_numbers)))
    return Aggregate(function, column, None, kind, strict=draw(st.integers(0, 3)) == 0)


@st.composite
def _conditions(draw: st.DrawFn, dates: Dates) -> Condition:
    column = draw(st.integers(1, 3))
    if draw(st.integers(0, 3)) == 0:
        return Condition(column, "is_empty")
    operators: list[Operator] = ["=", "!=", "<", ">=", "in"]
    operator = draw(st.sampled_from(operators))
    kinds: dict[int, Kind] = {1: "text", 2: "number", 3: "date"}
    values = {
        1: st.sampled_from(["a", "NA", "-"]),
        2: st.sampled_from(["5", "-5", "0.5", "1000"]),
        3: dates.values(),
    }[column]
    return Condition(column, operator, (draw(values),), kinds[column])
