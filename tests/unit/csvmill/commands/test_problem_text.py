"""Problems of a file as text."""

from __future__ import annotations

from dataclasses import replace

from csvmill.client import ProblemView
from csvmill.commands.problem_text import describe_problems

NUMBER = "a number, such as 42"


def problem(line: int, found: str, expected: str = NUMBER) -> ProblemView:
    return ProblemView(line, line * 10, 2, "Plays", found, expected)


def test_problems_in_a_row_that_are_alike_share_a_line() -> None:
    alike = [problem(n, f"'x{n}'") for n in range(12, 32)]
    other = problem(40, "'y'", "a date")
    assert describe_problems([*alike, other, *alike[:2]]) == [
        (
            "lines 12 to 31, column 2 ('Plays'): found 'x12', 'x13', 'x14' and 17 more, "
            "expected a number, such as 42"
        ),
        "line 40, column 2 ('Plays'): found 'y', expected a date",
        "line 12, column 2 ('Plays'): found 'x12', expected a number, such as 42",
        "line 13, column 2 ('Plays'): found 'x13', expected a number, such as 42",
    ]


def test_lines_that_do_not_follow_each_other_are_named_one_by_one() -> None:
    assert describe_problems([problem(n, "'-'") for n in (3, 7, 8, 20)]) == [
        "lines 3, 7, 8 and 1 more, column 2 ('Plays'): found '-', expected a number, such as 42"
    ]


def test_hints_for_single_cells_do_not_keep_problems_apart() -> None:
    hinted = [problem(n, f"'{n},5'", f"{NUMBER}; if it is one, set {n}") for n in (4, 5, 6)]
    (line,) = describe_problems(hinted)
    assert line.startswith("lines 4 to 6, column 2 ('Plays'): found '4,5', '5,5', '6,5', expected")


def test_problems_of_several_files_name_the_file() -> None:
    may = [replace(problem(n, "'x'"), file="may.csv") for n in (2, 3, 4)]
    june = [replace(problem(n, "'x'"), file="june.csv") for n in (5, 6)]
    shown = describe_problems([*may, *june])
    assert [text.partition(",")[0] for text in shown] == [
        "may.csv: lines 2 to 4",
        "june.csv: line 5",
        "june.csv: line 6",
    ]
