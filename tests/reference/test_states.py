"""What states of parts of a file have, and which of them the kernel refuses."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from processor.engines.messages import Merge, Part
from shared.aggregation.spec import Aggregate, Aggregation, Condition, GroupColumn, OrderColumn
from tests.aggregations import RFC_4180
from tests.reference.parts import Ended, Kernel

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from shared.csv.dialect import Input

ROWS = [f"song {i % 7},2021-0{1 + i % 3}-01,{i}\n".encode() for i in range(40)]
DATA = b"Song,Date,Plays\n" + b"".join(ROWS)
BAD = b'x,"2021\n\n-01-01",many\n'
"""A row of three lines with a bad number."""
EVERY = Aggregation(
    group_by=(GroupColumn(1),),
    aggregates=(
        *(Aggregate(name, 3, name, "number") for name in ("sum", "avg", "median", "min", "max")),
        *(Aggregate(name, 2, name, "text") for name in ("first", "last", "count_distinct")),
        Aggregate("count"),
    ),
    input=RFC_4180,
)
SKIPPING = replace(EVERY, input=replace(RFC_4180, on_bad_row="skip"))


def kernel_for(folder: Path, data: bytes = DATA, aggregation: Aggregation = EVERY) -> Kernel:
    folder.mkdir(exist_ok=True)
    return Kernel.of(aggregation, data, folder)


def parts_of(kernel: Kernel, ends: Iterable[int]) -> list[Ended]:
    """Return the states of the parts between 0, these ends, and the end of the file."""
    places = [0, *ends, len(kernel.data)]
    header = None
    parts = []
    for begin, end in itertools.pairwise(places):
        part = kernel.run(Part(begin, end, header=header if begin else None))
        assert part.event["event"] == "finished", part.event
        header = header or part.header
        parts.append(part)
    return parts


def states(parts: Iterable[Ended]) -> tuple[Path, ...]:
    return tuple(part.state for part in parts)


def ends_of(*numbers: int) -> list[int]:
    """Return where so many rows of `DATA` end."""
    return [len(DATA) - len(b"".join(ROWS[number:])) for number in numbers]


def refusal(
    kernel: Kernel, paths: Iterable[Path], *, gather: bool = False, sized: bool = True
) -> str:
    """Return why the kernel does not merge states."""
    ended = kernel.run(Merge(tuple(paths), gather), sized=sized)
    assert ended.event["event"] == "refused", ended.event
    reason: str = ended.event["reason"]
    return reason


def test_a_part_tells_its_place_and_what_is_in_it(tmp_path: Path) -> None:
    kernel = kernel_for(tmp_path, DATA + BAD, SKIPPING)
    (end,) = ends_of(3)
    parts = parts_of(kernel, [end, len(DATA)])
    assert [(p.event["begin"], p.event["end"], p.event["lines"]) for p in parts] == [
        (0, end, 4),
        (end, len(DATA), 37),
        (len(DATA), len(DATA) + len(BAD), 3),
    ]
    assert [p.event["aggregated"] for p in parts] == [3, 37, 0]
    assert parts[2].event["rejected"] == 1
    (problem,) = parts[2].event["problems"]
    assert (problem["line"], problem["offset"]) == (1, len(DATA))


def test_bad_rows_are_where_one_pass_finds_them(tmp_path: Path) -> None:
    data = DATA + BAD + ROWS[0] + BAD + b'"' + ROWS[1] + b'"\n"never closed,\n' + ROWS[2]
    ends = [len(DATA), len(DATA + BAD), len(DATA + BAD + ROWS[0])]
    for name, aggregation in {"skip": SKIPPING, "fail": EVERY}.items():
        kernel = kernel_for(tmp_path / name, data, aggregation)
        expected = kernel.run()
        parts = parts_of(kernel, ends)
        assert [part.event["problem_count"] for part in parts] == [0, 1, 0, 3]
        gathered = kernel.run(Merge(states(parts[:0:-1]), gather=True))
        merged = kernel.run(Merge((gathered.state, parts[0].state)))
        assert (merged.event, merged.files) == (expected.event, expected.files)
        assert expected.event["event"] == {"skip": "finished", "fail": "malformed"}[name]


def test_a_part_may_end_after_the_line_of_a_quote_that_is_never_closed(tmp_path: Path) -> None:
    rest = b'"never closed,\n' + b"".join(ROWS) + b"x,y\n" + ROWS[0]
    kernel = kernel_for(tmp_path, DATA + rest, SKIPPING)
    ends = [at + 1 for at, byte in enumerate(kernel.data) if byte == ord("\n")][:-1]
    expected = kernel.run()
    assert [p["line"] for p in expected.event["problems"]] == [42, 83]
    merged = kernel.run(Merge(states(parts_of(kernel, ends))))
    assert (merged.event, merged.files) == (expected.event, expected.files)
    # Without the size of the file, more of it may follow, with a quote that closes this one.
    header = kernel.run(Part(0, ends[0])).header
    unknown = Part(len(DATA), len(DATA) + 15, header=header)
    assert kernel.run(unknown, sized=False).event["event"] == "refused"


def test_a_file_whose_rows_are_all_bad_is_malformed(tmp_path: Path) -> None:
    header = DATA[: ends_of(0)[0]]
    kernel = kernel_for(tmp_path, header + BAD * 30, SKIPPING)
    expected = kernel.run()
    parts = parts_of(kernel, [len(header), len(header + BAD * 25)])
    merged = kernel.run(Merge(states(parts)))
    assert merged.event == expected.event
    assert expected.event["reason"].startswith("all 30 rows were rejected: line 2, ")


def test_many_states_are_merged_with_few_open_files(tmp_path: Path) -> None:
    kernel = kernel_for(tmp_path, DATA[: ends_of(0)[0]] + b"".join(ROWS * 7))
    expected = kernel.run()
    ends = list(itertools.accumulate(map(len, ROWS * 7), initial=ends_of(0)[0]))[1:-1]
    parts = parts_of(kernel, ends)
    assert len(parts) > 256
    merged = kernel.run(Merge(states(reversed(parts))))
    assert (merged.event, merged.files) == (expected.event, expected.files)
    assert all(state.exists() for state in states(parts))


def test_the_output_may_change_between_parts_and_result(tmp_path: Path) -> None:
    parts = parts_of(kernel_for(tmp_path / "parts"), ends_of(10, 20))
    other = replace(
        EVERY,
        having=Condition("sum", ">", ("100",), "number"),
        order_by=(OrderColumn("max", descending=True),),
        limit=3,
        output="jsonl",
    )
    kernel = kernel_for(tmp_path / "other", aggregation=other)
    merged, expected = kernel.run(Merge(states(parts))), kernel.run()
    assert (merged.event, merged.files) == (expected.event, expected.files)


OTHERS = {
    "function": replace(EVERY, aggregates=(Aggregate("sum", 3, kind="number"),)),
    "kind": replace(
        EVERY,
        aggregates=(replace(EVERY.aggregates[0], kind="integer"), *EVERY.aggregates[1:]),
    ),
    "column": replace(EVERY, group_by=(GroupColumn(2),)),
    "trim": replace(EVERY, group_by=(GroupColumn(1, trim=True),)),
    "case": replace(EVERY, group_by=(GroupColumn(1, case="upper"),)),
    "where": replace(EVERY, where=Condition(1, "=", ("a",))),
    "skip": SKIPPING,
    "notation": replace(EVERY, input=replace(RFC_4180, thousands=" ")),
    "delimiter": replace(EVERY, input=replace(RFC_4180, delimiter=",", quote="'")),
    "encoding": replace(EVERY, input=replace(RFC_4180, encoding="latin-1")),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_states_of_another_aggregation_or_dialect_are_refused(
    tmp_path: Path, other: Aggregation
) -> None:
    parts = parts_of(kernel_for(tmp_path / "parts"), ends_of(10))
    kernel = kernel_for(tmp_path / "other", aggregation=other)
    of_another = "the states are of another aggregation or dialect"
    assert refusal(kernel, states(parts)) == of_another
    mixed = [parts[0], parts_of(kernel, ends_of(10))[1]]
    assert "of another aggregation, dialect or header than" in refusal(kernel, states(mixed))


def test_states_of_a_file_with_another_header_are_refused(tmp_path: Path) -> None:
    kernel = kernel_for(tmp_path / "one")
    other = kernel_for(tmp_path / "other", DATA.replace(b"Date", b"Data"))
    mixed = [parts_of(kernel, ends_of(10))[0], parts_of(other, ends_of(10))[1]]
    assert "another aggregation, dialect or header" in refusal(kernel, states(mixed))


def test_missing_and_doubled_parts_are_refused(tmp_path: Path) -> None:
    kernel = kernel_for(tmp_path)
    a, b, c, d = ends_of(5, 10, 20, 30)
    one, two, three, four, five = parts = states(parts_of(kernel, [a, b, c, d]))
    (wide,) = states([kernel.run(Merge((two, three), gather=True))])
    size = len(DATA)
    assert refusal(kernel, [three, one, five]) == f"no state has the bytes {a} to {b}, {c} to {d}"
    assert refusal(kernel, parts[1:]) == f"no state has the bytes 0 to {a}"
    assert refusal(kernel, parts[:-1]) == f"no state has the bytes {d} to {size}"
    assert f"two states are of bytes {b} to {c}: " in refusal(kernel, [*parts, three])
    assert refusal(kernel, [one, wide, three, four, five]) == (
        f"the states of bytes {a} to {c} and {b} to {c} overlap"
    )
    assert refusal(kernel, [one, three], gather=True) == f"no state has the bytes {a} to {b}"
    assert refusal(kernel, []) == "there are no states to merge"
    short = kernel.run(Merge(parts), size=size - 1)
    assert short.event["reason"] == f"the states have {size} bytes, but the file has {size - 1}"
    # Without the size of the file, its end is where the last state ends.
    assert kernel.run(Merge(parts[:-1]), sized=False).event["event"] == "finished"


def test_damaged_states_are_refused(tmp_path: Path) -> None:
    kernel = kernel_for(tmp_path, DATA[: ends_of(4)[0]] + BAD, SKIPPING)
    one, two = states(parts_of(kernel, ends_of(4)))
    for state, other in ((one, two), (two, one)):
        whole = state.read_bytes()
        damaged = state.with_name("damaged")
        for at in range(0, len(whole), 11):
            damaged.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 7]) + whole[at + 1 :])
            assert refusal(kernel, [damaged, other])
        for size in (0, 1, 55, len(whole) // 2, len(whole) - 1):
            damaged.write_bytes(whole[:size])
            assert "a state file is damaged: " in refusal(kernel, [damaged, other])
        damaged.write_bytes(DATA * 10)
        assert refusal(kernel, [damaged, other]).endswith("this is not a state file")
    gone = kernel.run(Merge((one, tmp_path / "gone")))
    assert (gone.event["event"], "gone" in gone.event["reason"]) == ("failed", True)


def test_a_range_that_does_not_end_with_a_record_is_refused(tmp_path: Path) -> None:
    data = DATA + b'"a\nb",2021-01-01,1\n' + ROWS[0]
    kernel = kernel_for(tmp_path, data)
    (first,) = ends_of(1)
    header = kernel.run(Part(0, first)).header

    def reason(begin: int, end: int) -> str:
        ended = kernel.run(Part(begin, end, header=header if begin else None))
        assert ended.event["event"] == "refused", ended.event
        found: str = ended.event["reason"]
        return found

    within = "byte {} is within a record, which ends at byte {}"
    quoted = len(DATA) + len(b'"a\n')
    assert reason(0, first - 1) == within.format(first - 1, first)
    assert reason(first, first + 5) == within.format(first + 5, ends_of(2)[0])
    assert reason(first, quoted) == within.format(quoted, len(data) - len(ROWS[0]))
    unknown = kernel.run(Part(first, first + 5, header=header), sized=False)
    assert unknown.event["reason"] == within.format(first + 5, ends_of(2)[0])
    assert reason(0, 3) == "the first 3 bytes of the file do not have its header"
    # With `cut`, the part ends before that record.
    cut = kernel.run(Part(first, quoted, cut=True, header=header))
    assert cut.event["end"] == len(DATA)


def test_a_part_of_a_source_that_ends_too_early_fails(tmp_path: Path) -> None:
    kernel = kernel_for(tmp_path)
    a, b = ends_of(5, 10)
    header = kernel.run(Part(0, a)).header
    kernel.data = kernel.data[: b - 1]
    ended = kernel.run(Part(a, b, header=header), stream=True, sized=False)
    assert (ended.event["event"], ended.event["reason"]) == (
        "failed",
        f"the source ended after {b - a - 1} of {b - a} bytes",
    )


def test_positions_of_parts_order_first_and_last_in_every_encoding(tmp_path: Path) -> None:
    # In UTF-8 the first part is longer than all of the file in Latin-1.
    rows = "".join(f"{'é' * (200 - 9 * i)},{i},x\n" for i in range(20))
    aggregation = Aggregation(
        aggregates=(Aggregate("first", 1, kind="text"), Aggregate("last", 1, kind="text")),
        input=replace(RFC_4180, encoding="latin-1"),
    )
    kernel = kernel_for(tmp_path, ("a,b,c\n" + rows).encode("latin-1"), aggregation)
    line_ends = [at + 1 for at, byte in enumerate(kernel.data) if byte == ord("\n")]
    parts = parts_of(kernel, line_ends[:-1])
    expected = kernel.run()
    merged = kernel.run(Merge(states(reversed(parts))))
    assert (merged.event, merged.files) == (expected.event, expected.files)


def test_parts_of_a_file_in_utf_8_that_is_declared_otherwise_tell_what_one_pass_tells(
    tmp_path: Path,
) -> None:
    aggregation = Aggregation(
        aggregates=(Aggregate("count"),), input=replace(RFC_4180, encoding="latin-1")
    )
    plain = "".join(f"{i},x\n" for i in range(50)).encode()
    for tail, told in ((b"", True), (b"\xe9,y\n", False)):
        data = b"a,b\n" + plain + "é,€\n".encode() + plain + tail
        kernel = kernel_for(tmp_path / str(told), data, aggregation)
        line_ends = [at + 1 for at, byte in enumerate(kernel.data) if byte == ord("\n")]
        expected = kernel.run()
        assert [each["kind"] for each in expected.event["warnings"]] == ["utf8_text"] * told
        for order in (list, reversed):
            merged = kernel.run(Merge(states(order(parts_of(kernel, line_ends[:-1:7])))))
            assert merged.event == expected.event
        # Each part but the last one is cut off, perhaps within a character.
        for cut in range(len(b"a,b\n"), len(kernel.data), 13):
            first = kernel.run(Part(0, cut, cut=True))
            rest = kernel.run(Part(first.event["end"], header=first.header))
            assert kernel.run(Merge(states([rest, first]))).event == expected.event


def test_a_file_without_a_header_has_the_columns_of_its_first_record(tmp_path: Path) -> None:
    declared: Input = replace(RFC_4180, header=False, on_bad_row="skip")
    aggregation = Aggregation((GroupColumn(1),), (Aggregate("count"),), input=declared)
    bad = b'"bad" row\n'
    kernel = kernel_for(tmp_path, bad * 2 + b"".join(ROWS) + bad, aggregation)
    expected = kernel.run()
    ends = [len(bad * 2 + ROWS[0]), len(bad * 2 + b"".join(ROWS[:5]))]
    merged = kernel.run(Merge(states(parts_of(kernel, ends))))
    assert (merged.event, merged.files) == (expected.event, expected.files)
    early = kernel.run(Part(0, len(bad)))
    assert early.event["reason"] == "the first 10 bytes of the file do not have its header"
