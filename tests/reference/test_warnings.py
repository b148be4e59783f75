"""Warnings of a file are the same for any blocks, threads, spills, and parts."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from processor.engines.messages import Knobs, Merge, Part
from shared.aggregation.spec import (
    Aggregate,
    Aggregation,
    Condition,
    GroupColumn,
    Junction,
    Negation,
)
from tests.aggregations import RFC_4180
from tests.reference.file import aggregate
from tests.reference.parts import Kernel

if TYPE_CHECKING:
    from pathlib import Path

LINES = [
    b"k,n,m\n",
    *(b"song %d,1.%03d,5\n" % (i, 100 + i) for i in range(9)),
    b'5" pipe,2,\n',
    b"Song 3,7,1\n",
    b'"a\n"" b",,\n',
    b"k,n,m\n",
    b"\n",
    b",,\n",
    b'a"b,12.500,2\n',
    b" ,336.465,2\n",
    b"k,n,m\n",
    b"Total,3,2\n",
    b",4,4\n",
    "é,1,1\n".encode(),
    "e\u0301,1,1\n".encode(),
    b"Summe:,1,1\n",
    b",,\n",
]
TEXTS = Aggregation(
    (GroupColumn(1, "k"),),
    (Aggregate("last", 3, "m", "text"), Aggregate("count", None, "n")),
    input=RFC_4180,
)
LINES_OF_NUMBERS = [line for line in LINES if line != b"k,n,m\n"]
SUMS = Aggregation(
    (GroupColumn(1, "k"),),
    (Aggregate("sum", 3, "m", "number"), Aggregate("max", 2, "n", "number")),
    input=RFC_4180,
)
SIMPLE = Aggregation((GroupColumn(1, "k"),), (Aggregate("count", None, "n"),), input=RFC_4180)
CASES = {
    "texts": (LINES, TEXTS),
    "numbers": ([LINES[0], *LINES_OF_NUMBERS, b"Alle,,63\n"], SUMS),
    "lower": (
        [LINES[0], *LINES_OF_NUMBERS],
        replace(SUMS, group_by=(GroupColumn(1, case="lower"),)),
    ),
    "where": (
        [LINES[0], *LINES_OF_NUMBERS],
        replace(TEXTS, where=Condition(2, ">", ("1",), "number"), group_by=()),
    ),
    "asked": (
        [
            b"k,n,m\n",
            b"song 3,1,a\n",
            b'" SONG 3",1,b\n',
            "e\u0301,1,A\n".encode(),
            b"Song\t3,1,x\n",
            b'"song ""3""",2,a\n',
            "É,2,b\n".encode(),
            b"song 4,2,B\n",
            b"song 33,2,C\n",
        ],
        replace(
            TEXTS,
            where=Junction(
                "or",
                (
                    Junction(
                        "and",
                        (Condition(1, "in", ("song 3", "É")), Condition(3, "=", ("a",))),
                    ),
                    Condition(3, "in", ("c", "B")),
                ),
            ),
        ),
    ),
    "rows": (LINES, replace(TEXTS, group_by=())),
    "names": (
        [
            b"m,k,l,n\n",
            b"x,a,u,1\n",
            b'"x\n",ALL,u,10\n',
            b"x,a, Subtotal: ,1\n",
            b'y,"b","v\n",2\n',
            b'Total,b,"SUMME",2\n',
            b"m,k,o,3\n",
            b"m,k,l,p\n",
            b"z,b,v,1\n",
            b"(1),z,,\n",
        ],
        replace(
            SUMS,
            group_by=(GroupColumn(2, "k"),),
            aggregates=(Aggregate("sum", 4, "n", "number"),),
            input=replace(RFC_4180, on_bad_row="skip"),
        ),
    ),
    "kept": (
        [
            b"k,n,m\n",
            b"song 3,2,a\n",
            b"Song 3,2,a\n",
            b'"song\n3",2,a\n',
            b" song 3,2,A\n",
            b"song 4,1,B\n",
            b"song 4,1,a \n",
        ],
        replace(
            TEXTS,
            where=Junction(
                "and",
                (
                    Condition(1, "!=", ("song 3",)),
                    Negation(Condition(3, "in", ("a", "b", "c"))),
                ),
            ),
        ),
    ),
    "ends": (
        [
            b"k,n,m\n",
            b'"a\n",x,Total\n',
            b'"b\n",x,2\n',
            b"c,x,3\n",
            b'd,"SUM\n:",5\n',
            b"D,sum:,1\n",
        ],
        TEXTS,
    ),
    "first": (
        [
            b"k,n,m\n",
            b"a,36.000,36.25\n",
            *(b'"b %d\n",%d.%03d,1\n' % (i, 20 + i, i) for i in range(36)),
            b"a\xc2\xad,45.001,.250\n",
        ],
        SUMS,
    ),
    "tables": (
        [
            b"k,n,m\n",
            b"a,1,2\n",
            b"\n",
            b"\n",
            b"x\n",
            b"\n",
            b"x,y\n",
            b"\n",
            b"# c\n",
            b'"s\n\n# d",t,"u\n"\n',
            b"b,2,3,4\n",
            b'"\n",2,3\n',
            b'"\n",2\n',
            b"\r\n",
            b",5,6\n",
            b"\n",
        ],
        replace(
            TEXTS,
            group_by=(),
            input=replace(RFC_4180, comment="#", on_ragged="pad_or_truncate", on_bad_row="skip"),
        ),
    ),
    "quotes": (
        [
            b"k,n,m\n",
            b'a,1,"x\nb,2,y"\n',
            b'a,"1,x\n\nb,2",y\n',
            b'5" pipe,1,"\n,\n"\n',
            b"c,3,4\n",
            b'd,5,"6\ne,7,8\nf,9"",10\ng,11,12"\n',
            b'"h\ni",13,14\n',
            b'j,15,"\nk,16,17"\n',
            b'l,18,"' + b"\nm,19,20\n" * 15 + b'no record"\n',
            b'l,18,"' + b"\nm,19,20\n" * 14 + b'no record"\n',
        ],
        TEXTS,
    ),
    "no header": (
        [
            b'\n"x"y\n\na,1,2\n',
            b"b,1,2\n",
            b"\n",
            b'"\n",2,3\n',
            b"\n",
            b"c,4\n",
            b"\n",
        ],
        replace(
            TEXTS,
            input=replace(RFC_4180, header=False, on_ragged="pad", on_bad_row="skip"),
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_warnings_are_those_of_the_reference_for_any_blocks_and_parts(
    name: str, tmp_path: Path
) -> None:
    lines, aggregation = CASES[name]
    data = b"".join(lines)
    expected = aggregate(data, aggregation).report
    assert expected is not None
    assert len(expected.warnings) >= 2
    kernel = Kernel.of(aggregation, data, tmp_path)
    whole = kernel.run()
    told = [
        (w["kind"], w["count"], w["line"], w["column"], w["example"])
        for w in whole.event["warnings"]
    ]
    assert sorted(told) == sorted(
        (w.kind, w.count, w.line, w.column, w.example) for w in expected.warnings
    )
    for block, groups, threads in itertools.product((1, 7, 64), (1, None), (1, 3)):
        other = kernel.run(None, Knobs(block=block, groups=groups), threads=threads)
        assert other.event == whole.event
    starts = [*itertools.accumulate(map(len, lines))]
    for size in (1, 3):
        places = [0, *starts[size - 1 : -1 : size], len(data)]
        states, header = [], None
        for begin, end in itertools.pairwise(places):
            part = kernel.run(Part(begin, end, header=header if begin else None))
            header = header or part.header
            states.append(part.state)
        merged = kernel.run(Merge(tuple(reversed(states))))
        assert (merged.event, merged.files) == (whole.event, whole.files)
        gathered = kernel.run(Merge(tuple(states[: len(states) // 2]), gather=True)).state
        merged = kernel.run(Merge((*states[len(states) // 2 :], gathered)), Knobs(groups=1))
        assert (merged.event, merged.files) == (whole.event, whole.files)


def test_many_groups_are_not_compared(tmp_path: Path) -> None:
    few = b"".join(b"g%d,1\n" % i for i in range(249_997))
    for more, kinds in ((b"x,1\ny,1\n", ["similar_groups"]), (b"x,1\ny,1\nz,1\n", [])):
        data = b"k,n\nG,1\ng,1\n" + few + more
        folder = tmp_path / f"{len(more)}"
        folder.mkdir()
        kernel = Kernel.of(SIMPLE, data, folder)
        assert [w["kind"] for w in kernel.run().event["warnings"]] == kinds
