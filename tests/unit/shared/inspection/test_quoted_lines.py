"""Lines in quoted text are neither comments nor the footer, before the dialect is known too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn
from shared.csv.dialect import STRICT, Input
from shared.inspection.quoted_lines import quoted_lines
from tests.reference.file import aggregate

DIALECT = replace(STRICT, comment="#")


@pytest.mark.parametrize(
    ("lines", "quoted"),
    [
        (["k\tt", 'a\t"x', '# y"', "b\tz"], {2}),
        (['"a', "", 'b"', 'c;"d', '";"e', '"', "f"], {1, 2, 4, 5}),
        (['a,"x ""y""', '# z"', "# b"], {1}),
        (['# it is "', "a,1", '# "', "b,2"], set()),
        (['# ,"', 'a,"x', 'y"'], {2}),
        (['5" pipe', "# 6", 'b"'], set()),
        (['"never closed', "# a", "b"], set()),
        (['"not closed here', '# a"b', 'c,"d"'], set()),
        (["'a", "# b'"], set()),
        (["a", "b"], set()),
    ],
)
def test_a_line_that_begins_within_a_field_in_quotes_is_found(
    lines: list[str], quoted: set[int]
) -> None:
    assert quoted_lines([line.encode() for line in lines], b"\n", DIALECT) == quoted


def test_other_quotes_count_if_they_are_declared() -> None:
    lines = [b"'a", b"# b'"]
    assert quoted_lines(lines, b"\n", replace(DIALECT, quote="'")) == {1}
    assert quoted_lines([b'"a', b'# b"'], b"\r", replace(DIALECT, quote="")) == set()


def test_such_a_line_does_not_change_what_is_detected() -> None:
    asked = Aggregation(
        (GroupColumn("t"),), (Aggregate("count", None, "n"),), input=Input(comment="#")
    )
    found = aggregate(b'k\tt\na\t"x\n# y"\n# b\tz\n', asked)
    assert found.result == b't,n\n"x\n# y",1\n'
    footer = replace(asked, input=Input(skip_footer="Total"))
    found = aggregate(b'k;t\na;"x\nTotal"\nb;z\nTotal;5;6\n', footer)
    assert found.result == b't,n\n"x\nTotal",1\nz,1\n'
