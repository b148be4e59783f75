"""What is doubtful in a file: it was read, but may mean something else."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from shared.aggregation.resolve import Combination
from shared.aggregation.spec import Arithmetic
from shared.csv.problems import show
from shared.jobs.warnings import KINDS, FileWarning, Finding, of_dialect, warning_of
from tests.reference.cells import BLANKS
from tests.reference.record_doubts import first_of
from tests.reference.total_names import ALL, COLONS, NOTE_MARKS, NOTE_WORDS, TOTALS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shared.aggregation.cells import Notation
    from shared.aggregation.resolve import Comparison, Query, Restriction
    from shared.csv.dialect import Dialect
    from tests.reference.record_doubts import RecordDoubts

Fields = list[bytes]
Key = tuple[bytes, ...]

_BLANKS = "[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+"
_INVISIBLE = "[\xad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]"


def number_tests(restriction: Restriction | None) -> Iterator[tuple[int, int]]:
    """Yield the column and the identity of the comparisons that read numbers, left to right."""
    if isinstance(restriction, Combination):
        for part in restriction.parts:
            yield from number_tests(part)
    elif (
        restriction is not None
        and restriction.kind == "number"
        and restriction.operator != "is_empty"
    ):
        yield restriction.column, id(restriction)


def asked_texts(restriction: Restriction | None) -> Iterator[Comparison]:
    """Yield the comparisons of text with =, != and in, if they have few values, left to right."""
    if isinstance(restriction, Combination):
        for part in restriction.parts:
            yield from asked_texts(part)
    elif (
        restriction is not None
        and restriction.kind == "text"
        and restriction.operator in ("=", "!=", "in")
        and len(restriction.values) <= 16
    ):
        yield restriction


class Doubts:
    """Collects what is doubtful in the records of a file, in their order."""

    def __init__(
        self,
        query: Query,
        names: Sequence[str],
        notation: Notation,
        dialect: Dialect,
        written: RecordDoubts,
        of_text: Sequence[Finding],
    ) -> None:
        self._query = query
        self._names = names
        self._notation = notation
        self._dialect = dialect
        self._of_text = of_text
        self._rows: list[tuple[int, Fields, Key]] = []
        self._fields: list[Fields] = []
        self._tests: dict[int, int] = {}
        for column, test in number_tests(query.where):
            self._tests.setdefault(column, test)
        self._tested: dict[int, list[tuple[int, bytes]]] = {column: [] for column in self._tests}
        self._asked: dict[int, list[bytes]] = {}
        for comparison in asked_texts(query.where):
            values = [value.encode() for value in comparison.values]
            self._asked.setdefault(comparison.column, []).extend(values)
        self._compared: list[tuple[bool, int, bytes, list[bytes]]] = []
        self._similar: dict[str, dict[int, list[tuple[int, bytes, bytes]]]] = {
            "similar_values": {},
            "kept_values": {},
        }
        self._line = 0
        self.written = written

    def see_record(self, line: int) -> None:
        """Take the line of a record that fits the header."""
        self._line = line
        self._compared = []

    def see_test(self, restriction: Comparison, cell: bytes) -> None:
        """Take a cell of the record that `where` has compared."""
        for _ in asked_texts(restriction):
            values = [value.encode() for value in restriction.values]
            excludes = restriction.operator == "!=" or restriction.negated
            self._compared.append((excludes, restriction.column, cell, values))
        if cell and self._tests.get(restriction.column) == id(restriction):
            self._tested[restriction.column].append((self._line, cell))

    def see_excluded(self) -> None:
        """Take that `where` has excluded the record."""
        self._see_alike("similar_values", excludes=False)

    def _see_alike(self, kind: str, *, excludes: bool) -> None:
        """Note cells that look like values with which comparisons `excludes` or not."""
        found: dict[int, tuple[int, bytes, bytes]] = {}
        for of_others, column, cell, values in self._compared:
            alike = [value for value in values if is_alike(cell, value)]
            if of_others == excludes and alike and cell not in self._asked[column]:
                found.setdefault(column, (self._line, cell, alike[0]))
        for column, seen in found.items():
            self._similar[kind].setdefault(column, []).append(seen)

    def see_row(self, fields: Fields, cells: Fields, key: Key) -> None:
        """Take the record, which was aggregated into the group `key`.

        `cells` are its fields, but for those that stand for an empty cell.
        """
        self._see_alike("kept_values", excludes=True)
        self._rows.append((self._line, cells, key))
        self._fields.append(fields)

    def warnings(self, groups: Mapping[Key, Sequence[Sequence[Any]]]) -> tuple[FileWarning, ...]:
        """Return the warnings of the whole file. `groups` have the values of each aggregate."""
        found = [
            *self._grouped_integers(),
            *self._doubtful_rows(),
            *self._similar_groups(),
            *self._similar_distinct(groups),
            *self._similar_values(),
            *self._of_text,
        ]
        found += of_dialect(self._dialect)
        found += self.written.findings()
        found.sort(key=lambda finding: list(KINDS).index(finding.kind))
        return tuple(warning_of(each, self._names, self._notation) for each in found)

    def _grouped_integers(self) -> list[Finding]:
        if self._notation.thousands:
            return []
        numbers = dict(self._tested)
        read = self._notation.readers["number"]
        for i, aggregate in enumerate(self._query.aggregation.aggregates):
            for column in (self._query.columns[i], self._query.operands[i]):
                if column is not None and aggregate.kind == "number":
                    cells = [(line, row[column]) for line, row, _ in self._rows]
                    numbers[column] = [
                        (line, cell) for line, cell in cells if read(cell) is not None
                    ]
        found = []
        for column, cells in sorted(numbers.items()):
            values = [(line, cell, self._form(cell)) for line, cell in cells]
            if all(form != "other" for _, _, form in values):
                grouped = [(line, column, cell) for line, cell, form in values if form == "grouped"]
                found += first_of("grouped_integers", grouped, len(cells) - len(grouped))
        return found

    def _form(self, cell: bytes) -> str:
        number = f"{self._notation.readers['number'](cell):f}"
        if "." not in number:
            return "integer"
        grouped = re.fullmatch(r"-?[1-9][0-9]{0,2}\.[0-9]{3}", number)
        return "grouped" if grouped else "other"

    def _doubtful_rows(self) -> list[Finding]:
        groups = self._query.group_by
        seen: dict[str, list[Any]] = {
            "repeated_header": [],
            "similar_header": [],
            "empty_row": [],
            "total_row": [],
        }
        blank: dict[int, list[Any]] = {column: [] for column in groups}
        names = [name.encode() for name in self._names]
        delimiter = self._dialect.delimiter.encode()
        for (line, cells, key), fields in zip(self._rows, self._fields, strict=True):
            texts = [text.decode() for text in key]
            named = list(zip(groups, texts, strict=True))
            totals = [(column, text) for column, text in named if names_total(text)]
            same = all(cells[column] == fields[column] for column in groups)
            if self._dialect.header and fields == names and same:
                seen["repeated_header"].append((line, None, delimiter.join(fields)))
            elif same and self._are_some_names(fields):
                seen["similar_header"].append((line, None, delimiter.join(fields)))
            elif not any(field.decode().strip(BLANKS) for field in fields):
                seen["empty_row"].append((line, None, delimiter.join(fields)))
            elif totals:
                column, text = totals[0]
                seen["total_row"].append((line, column, text.encode()))
            else:
                for column, text in named:
                    if not text.strip(BLANKS):
                        blank[column].append((line, column, text.encode()))
        every: list[tuple[int, int, bytes]] = [
            *seen["total_row"],
            *self._labels().values(),
            *self._ends_of_all().values(),
        ]
        seen["total_row"] = sorted(every)
        found = [finding for kind, rows in seen.items() for finding in first_of(kind, rows)]
        found += [*(self._sum_row() or self._total_groups()), *self._note_row()]
        for _, rows in sorted(blank.items()):
            found += first_of("blank_group", rows)
        return found

    def _are_some_names(self, fields: Fields) -> bool:
        """Return whether half of the fields, two or more, are the names of their columns."""
        groups = self._query.group_by
        names = [name.encode() for name in self._names]
        if not self._dialect.header or not groups:
            return False
        same = [bool(name) and field == name for field, name in zip(fields, names, strict=True)]
        of_groups = all(fields[column] == names[column] for column in groups)
        return of_groups and sum(same) >= max(2, len(names) / 2)

    @property
    def _sums(self) -> list[int]:
        """Return the columns of which sums are asked for."""
        return self._columns_of("sum")

    def _columns_of(self, function: str) -> list[int]:
        aggregates = self._query.aggregation.aggregates
        return [
            column
            for column, aggregate in zip(self._query.columns, aggregates, strict=True)
            if aggregate.function == function
            and column is not None
            and aggregate.where is None
            and not isinstance(aggregate.column, Arithmetic)
        ]

    def _total_groups(self) -> list[Finding]:
        """Find groups that are called "ALL" and have the sums of all others, but for rounding."""
        found = []
        for i, column in enumerate(self._query.group_by if self._sums else ()):
            names = {key[i] for _, _, key in self._rows if names_all(key[i].decode())}
            keys = {key for _, _, key in self._rows if key[i] in names}
            zero = True
            for of in self._sums:
                some = self._sum([row for _, row, key in self._rows if key in keys], of)
                every = self._sum([row for _, row, _ in self._rows], of)
                if abs(every - some - some) * 100 > abs(every):
                    break
                zero = zero and not some
            else:
                if not zero:
                    example = show(min(names))
                    found.append(Finding("total_group", len(keys), 0, None, column + 1, example))
        return sorted(found, key=lambda finding: finding.column or 0)

    def _ends_of_all(self) -> dict[int, tuple[int, int, bytes]]:
        """Return where the first or last row is called "ALL", if no sums show whether it is one."""
        if self._sums or not self._rows:
            return {}
        found = {}
        for place in (0, len(self._rows) - 1):
            line, _, key = self._rows[place]
            texts = [text.decode() for text in key]
            total = place in self._labels() or any(map(names_total, texts))
            alls = [i for i, text in enumerate(texts) if names_all(text)]
            found[place] = (line, alls[0] if alls and not total else None)
        if len({i for _, i in found.values()}) == 1:
            return {}
        return {
            place: (line, self._query.group_by[i], self._rows[place][2][i])
            for place, (line, i) in found.items()
            if i is not None
        }

    def _sum_row(self) -> list[Finding]:
        """Find a last or first row that sums all others."""
        sums = self._sums or self._columns_of("avg")
        if not sums or len(self._rows) < 3:
            return []
        named = {**self._labels(), **self._ends_of_all()}
        for place in (len(self._rows) - 1, 0):
            if place not in named and self._is_sum(place, sums):
                line, row, _ = self._rows[place]
                example = show(f"{self._sum([row], sums[0]):f}".encode())
                return [Finding("sum_row", 1, 0, line, sums[0] + 1, example)]
        return []

    def _is_sum(self, place: int, sums: Sequence[int]) -> bool:
        _, row, key = self._rows[place]
        if any(names_total(text.decode()) for text in key):
            return False
        others = [*self._rows[:place], *self._rows[place + 1 :]]
        for column in sums:
            of_group = [other for _, other, of in others if of == key] if key else []
            total = self._sum([other for _, other, _ in others], column)
            if not row[column] or total != self._sum([row], column):
                return False
            if self._sum(of_group, column):
                return False
        # One significant digit is chance if there are few records.
        numbers = [f"{self._sum([row], column):f}" for column in sums]
        digits = sum(len(re.sub("[-.]", "", number).strip("0")) for number in numbers)
        return digits >= (1 if len(others) >= 4 else 2)

    def _note_row(self) -> list[Finding]:
        """Find a last row with text in its first column only, unless the first row is like it."""
        last = len(self._rows) - 1
        if not self._rows or last in {**self._labels(), **self._ends_of_all()}:
            return []
        line, _, key = self._rows[-1]
        if any(names_total(text.decode()) for text in key) or self._is_note(0):
            return []
        cells = [cell for cell in self._fields[-1] if cell]
        example = show(self._dialect.delimiter.encode().join(cells))
        return [Finding("note_row", 1, 0, line, 1, example)] if self._is_note(-1) else []

    def _is_header(self, place: int) -> bool:
        fields = [field.decode() for field in self._fields[place]]
        return self._dialect.header and fields == self._names

    def _is_note(self, place: int) -> bool:
        first, *others = self._fields[place]
        text = first.decode().strip(BLANKS)
        if self._is_header(place) or len(others) < 2 or not text:
            return False
        return not any(others[1:]) and (not others[0] or begins_note(text))

    def _labels(self) -> dict[int, tuple[int, int, bytes]]:
        """Return where the first and last row have the name of a total in a column without groups.

        It is the place of the row, and its line, the column, and the name.
        """
        if not self._rows:
            return {}
        found = {}
        for place in (0, len(self._rows) - 1):
            fields = self._fields[place]
            columns = [
                column
                for column, field in enumerate(fields)
                if column not in self._query.group_by and names_total(field.decode())
            ]
            column = columns[0] if columns and not self._is_header(place) else None
            found[place] = (self._rows[place][0], column)
        if len({column for _, column in found.values()}) == 1:
            return {}
        return {
            place: (line, column, self._fields[place][column])
            for place, (line, column) in found.items()
            if column is not None
            and not any(names_total(text.decode()) for text in self._rows[place][2])
        }

    def _sum(self, rows: Sequence[Fields], column: int) -> Decimal:
        read = self._notation.readers["number"]
        return sum((read(row[column]) for row in rows if row[column]), Decimal(0))

    def _similar_groups(self) -> list[Finding]:
        classes: dict[tuple[str, ...], set[Key]] = {}
        for _, _, key in self._rows:
            classes.setdefault(tuple(map(likeness, key)), set()).add(key)
        alike = sorted(sorted(keys) for keys in classes.values() if len(keys) > 1)
        if not alike:
            return []
        first, second = alike[0][:2]
        place = next(i for i in range(len(first)) if first[i] != second[i])
        count = sum(len(keys) - 1 for keys in alike)
        example = f"{show(first[place])} and {show(second[place])}"
        column = self._query.group_by[place] + 1
        return [Finding("similar_groups", count, 0, None, column, example)]

    def _similar_distinct(self, groups: Mapping[Key, Sequence[Sequence[Any]]]) -> Iterator[Finding]:
        """Yield texts that look like another one of their group, of functions of different ones."""
        columns = set()
        for i, aggregate in enumerate(self._query.aggregation.aggregates):
            function = aggregate.function in ("count_distinct", "mode", "concat_distinct")
            column = self._query.columns[i]
            if not function or aggregate.kind != "text" or column is None or column in columns:
                continue
            alike = []
            for values in groups.values():
                classes: dict[str, set[bytes]] = {}
                for value in values[i]:
                    classes.setdefault(likeness(value), set()).add(value)
                alike += [sorted(texts) for texts in classes.values() if len(texts) > 1]
            if alike:
                columns.add(column)
                first, second = min(texts[:2] for texts in alike)
                count = sum(len(texts) - 1 for texts in alike)
                example = f"{show(first)} and {show(second)}"
                yield Finding("similar_distinct", count, 0, None, column + 1, example)

    def _similar_values(self) -> list[Finding]:
        found = []
        for kind, similar in self._similar.items():
            for column, cells in sorted(similar.items()):
                line, cell, value = cells[0]
                example = f"{show(cell)} and {show(value)}"
                found.append(Finding(kind, len(cells), 0, line, column + 1, example))
        return found


def is_alike(cell: bytes, value: bytes) -> bool:
    """Return whether a cell looks like a value, and is not much longer or shorter."""
    shorter, longer = sorted((len(cell), len(value)))
    return longer <= 2 * shorter + 16 and likeness(cell) == likeness(value)


def utf8_text(data: bytes, dialect: Dialect) -> list[Finding]:
    """Return whether a file is in UTF-8 that is read in another encoding than UTF-16."""
    if data.isascii() or dialect.encoding.startswith("utf-"):
        return []
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return []
    first = next(char for char in text if char > "\x7f")
    return [Finding("utf8_text", 1, example=show(first.encode()))]


def names_total(text: str) -> bool:
    """Return whether a text names a row that sums others."""
    return _plain_name(text) in TOTALS


def names_all(text: str) -> bool:
    """Return whether a text names a group that may have all others."""
    return _plain_name(text) in ALL


def _plain_name(text: str) -> str:
    text = text.strip(BLANKS)
    colon = next((colon for colon in COLONS if text.endswith(colon)), "")
    return text.removesuffix(colon).strip(BLANKS).lower()


def begins_note(text: str) -> bool:
    """Return whether a text without blanks around it announces a note."""
    return (
        text.startswith(NOTE_MARKS)
        or re.match(r"[(]?[0-9]{1,2}[)]|\[[0-9]{1,2}\]", text) is not None
        or text.endswith(COLONS)
        or text.lower() in NOTE_WORDS
    )


def likeness(text: bytes) -> str:
    """Return what texts that look alike have in common."""
    visible = re.sub(_INVISIBLE, "", text.decode())
    lower = unicodedata.normalize("NFC", visible).lower()
    return re.sub(_BLANKS, " ", lower).strip(" ")
