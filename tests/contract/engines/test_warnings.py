"""What was read, but may mean something else, is told: by the engine and by the reference."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shared.aggregation.spec import (
    Aggregate,
    Aggregation,
    Condition,
    GroupColumn,
    Junction,
    Negation,
)
from shared.csv.dialect import UNDECLARED, Input
from shared.errors import MalformedInput
from shared.jobs.report import report_of
from tests.contract.engines.runs import aggregate, leftovers, sources
from tests.reference.file import aggregate as reference
from tests.reference.total_names import ALL, NOTE_WORDS, TOTALS

if TYPE_CHECKING:
    from collections.abc import Callable

    from processor.engines.port import Engine
    from shared.jobs.warnings import FileWarning

Told = tuple[str, int, int | None, int | None, str]
"""Kind, count, line, column and example of a warning."""

SUM = Aggregation(aggregates=(Aggregate("sum", 2, "n", "number"),))
MEAN = Aggregation(aggregates=(Aggregate("avg", 2, "n", "number"),))
MEAN_BY_FIRST = replace(MEAN, group_by=(GroupColumn(1, "k"),))
MAX = Aggregation((GroupColumn(1, "k"),), (Aggregate("max", 2, "n", "number"),))
BY_FIRST = Aggregation((GroupColumn(1, "k"),), (Aggregate("sum", 2, "n", "number"),))
BY_GROUP = Aggregation((GroupColumn(1, "k"),), (Aggregate("sum", 3, "n", "number"),))
BY_SECOND = Aggregation((GroupColumn(2, "k"),), (Aggregate("sum", 3, "n", "number"),))
BY_BOTH = Aggregation(
    (GroupColumn(1, "k"), GroupColumn(2, "m")), (Aggregate("sum", 3, "n", "number"),)
)
COUNT = Aggregation(aggregates=(Aggregate("count", None, "n"),))
COUNTED = Aggregation((GroupColumn(1, "k"),), (Aggregate("count", None, "n"),))
ABOVE = replace(COUNT, where=Condition(2, ">", ("100",), "number"))
HEADER = Input(header=True)
OF_DE = replace(COUNT, where=Condition(1, "=", ("DE",)))
NOT_DE = replace(COUNT, where=Condition(1, "!=", ("DE",)))
NEITHER = Negation(Condition(1, "in", ("FR", "DE", "de")))
OF_NEITHER = replace(COUNT, where=NEITHER)
OF_SEVERAL = replace(
    COUNT,
    where=Junction(
        "and", (Condition(1, "in", ("FR", "Köln")), Condition(2, ">", ("0",), "number"))
    ),
)
OF_EITHER = replace(
    COUNT, where=Junction("or", (Condition(1, "=", ("DE",)), Condition(1, "=", ("de",))))
)
COMMA = Input(decimal=",", header=True)


def told(warnings: tuple[FileWarning, ...]) -> list[Told]:
    return [(w.kind, w.count, w.line, w.column, w.example) for w in warnings]


CASES: list[tuple[bytes, Aggregation, Input, list[Told]]] = [
    # What was assumed about the file
    (b"k,n\nx,y\n", COUNTED, UNDECLARED, [("assumed_header", 1, None, None, "")]),
    (b"k,n\n", COUNTED, UNDECLARED, [("assumed_header", 1, None, None, "")]),
    (b"k,n\nx,y\n", COUNTED, HEADER, []),
    (b"k,n\nx,y\n", replace(COUNTED, group_by=(GroupColumn("k"),)), UNDECLARED, []),
    (b"k,n\nx,7\n", COUNTED, UNDECLARED, []),
    ("k,n\nKöln,1\nGröße,2\n".encode("cp1252"), COUNTED, UNDECLARED,
     [("assumed_encoding", 1, None, None, "Mac Roman")]),
    ("k,n\nŁódź,1\nKielce,2\nPoznań,3\nŻory,4\n".encode("cp1250"), COUNTED, UNDECLARED,
     [("assumed_encoding", 1, None, None, "Windows-1250")]),
    ("k,n\nKöln,1\nGröße,2\n".encode("cp1252"), COUNTED, Input(encoding="windows-1252"), []),
    ("k,n\nKöln,1\nGröße,2\n".encode(), COUNTED, UNDECLARED, []),
    # Quotes of which most are not closed
    (b'k\tn\n"a\t1\n"b\t2\n"c"\t3\n', COUNT, UNDECLARED,
     [("assumed_quote", 1, None, None, "")]),
    (b'k\tn\n"a\t1\n"b\t2\n"c"\t3\n', COUNT, Input(quote=""), []),
    (b'k\tn\n"a"\t1\n"b"\t2\nc\t3\n', COUNT, UNDECLARED, []),
    # A line of units, in a job that reads texts only
    (b"k,n\n-,kg\na,1\nb,2\n", COUNT, HEADER, [("unit_row", 1, 2, None, "'-,kg'")]),
    (b"k,n\n-,kg\na,1\nb,2\n", COUNT, Input(header=True, comment="-,kg"), []),
    # Integers in groups of digits
    (b"Stadt;Einwohner\na;336.465\nb;110.502\nc;950\n", SUM, UNDECLARED,
     [("grouped_integers", 2, 2, 2, "'336.465'")]),
    (b"Stadt;Einwohner\na;336,465\nb;-110,502\n", SUM, COMMA,
     [("grouped_integers", 2, 2, 2, "'336,465'")]),
    (b"k,n\na,7\nb,336.465\n", ABOVE, HEADER, [("grouped_integers", 1, 3, 2, "'336.465'")]),
    (b"k,n\na,336.465\nb,1.5\n", SUM, HEADER, []),
    # Many that differ little may be those of a sensor, but also the inhabitants of towns
    (b"k,n\n" + b"".join(b"a,%d.502\n" % (100 + 5 * i) for i in range(20)), SUM, HEADER,
     [("grouped_integers", 20, 2, 2, "'100.502'")]),
    (b"k,n\na,336.465\nb,0.125\n", SUM, HEADER, []),
    (b"k,n\na,336.465\nb,1234.567\n", SUM, HEADER, []),
    (b"k,n\na,336.465\nb,1.5\n", ABOVE, HEADER, []),
    (b"k,n\na,1\nb,2.50\n", SUM, HEADER, []),
    (b"k,n\na,336.465\n", SUM, Input(header=True, thousands=","), []),
    (b"k,n\na,336.465\n", COUNTED, HEADER, []),
    # Quotes
    (b'k,n,m\n1,hat"warm, dry"\n2,x,y\n3,a"b",""""\n', COUNTED, HEADER,
     [("quote_in_text", 3, 2, 2, "'hat\"warm'")]),
    (b'k,n\n5" pipe,1\n', COUNT, Input(quote="", header=True), []),
    # The header again
    (b"k,n\na,1\nk,n\nb,2\nk,n\n", COUNTED, HEADER, [("repeated_header", 2, 3, None, "'k,n'")]),
    (b'k,n\na,1\n"k",n\n', COUNT, HEADER, [("repeated_header", 1, 3, None, "'k,n'")]),
    (b"k,n\nk,m\nk,N\n", COUNTED, HEADER, []),
    (b"k,n\na,1\nk,n\n", COUNTED, Input(header=False, delimiter=","),
     []),
    (b"k,n\na,1\nk\nk,n,m\n", COUNT, replace(HEADER, on_ragged="truncate", delimiter=",",
                                              on_bad_row="skip"),
     [("repeated_header", 1, 4, None, "'k,n'"), ("truncated_records", 1, 4, None, "'k,n,m'")]),
    # Another table
    (b"k,n\na,1\n\nname,x\nb,2\n\n", COUNT, HEADER,
     [("below_empty_line", 1, 4, None, "'name,x'")]),
    (b"Sales,2020\n\nk,n\na,1\n", COUNT, HEADER, [("below_empty_line", 1, 3, None, "'k,n'")]),
    (b"k,n\na,1\n# 2\n\n# x\nb,2\n", COUNT, replace(HEADER, comment="#"),
     [("below_empty_line", 1, 6, None, "'b,2'")]),
    (b'k,n\na,1\n\n"b\n\n",2\nc,1\n\nx,\n', COUNT, HEADER,
     [("below_empty_line", 2, 4, None, "'b\\n\\n,2'")]),
    (b"k,n\n\na,1\n\nb,2\n\n\nc,3\n", COUNT, HEADER, []),
    (b"\n\nk,n\na,1\nb,2\n\n\n", COUNT, HEADER, []),
    (b"\na,1\n\nb,2\n\nc,3\n", COUNT, Input(header=False, delimiter=","), []),
    (b"k,n\na,1\n\nb\nc,2\n", COUNT, replace(HEADER, on_bad_row="skip", delimiter=","), []),
    # Records of another width
    (b"k,n\na,1\nb\nc\n", COUNT, replace(HEADER, on_ragged="pad", delimiter=","),
     [("padded_records", 2, 3, None, "'b'")]),
    (b"k,n\na,1,\nb,2,\n", COUNT, UNDECLARED,
     [("trailing_delimiters", 2, 2, None, "'a,1,'")]),
    # Records in quotes
    (b'k,n,m\na,1,"x\nb,2,y"\nc,3,z\n', COUNT, HEADER,
     [("records_in_quotes", 1, 2, None, "'a,1,x\\nb,2,y'")]),
    (b'k,n,m\na,"1,x\n\nb,2,y\nc,3",z\nd,"4,x\ne,5",y', COUNT, HEADER,
     [("records_in_quotes", 2, 2, None, "'a,1,x\\n\\nb,2,y\\nc,3,z'")]),
    (b'k,n,m\r\na,1,"x""\r\n\r\nb,2,y"\r\nc,3,z\r\n', COUNT, HEADER,
     [("records_in_quotes", 1, 2, None, "'a,1,x\"\\r\\n\\r\\nb,2,y'")]),
    (b'k,n,m\n"a\nb",1,2\nc,3,"x\n"\nd,4,"x\ny"\n', COUNT, HEADER, []),
    (b'k,n\na,"Main Street 5\nSpringfield, IL"\nb,"x\n\n"\n', COUNT, HEADER, []),
    (b'k,n\na,"' + b"1\nb," * 40 + b'2"\n', COUNT, HEADER,
     [("records_in_quotes", 1, 2, None, "'a,1" + "\\nb,1" * 14 + "\\n'...")]),
    (b'k,n\na,"' + b"1\nb," * 40 + b'2\nc"\n', COUNT, HEADER,
     [("records_in_quotes", 1, 2, None, "'a,1" + "\\nb,1" * 14 + "\\n'...")]),
    (b'k,n\na,"' + b"1\nb," * 14 + b'2\nc"\n', COUNT, HEADER, []),
    (b'k\n"a\nb"\n', COUNT, Input(header=True, delimiter=","), []),
    # Totals
    (b"k,n\na,1\nTotal,3\nb,5\n", BY_FIRST, HEADER, [("total_row", 1, 3, 1, "'Total'")]),
    (b"k,n\na,1\nb,2\n SUMME: ,1\nSumme,7\n", MAX, HEADER, [("total_row", 2, 4, 1, "' SUMME: '")]),
    (b"k,n\nTotally,1\nSummer,2\n", BY_FIRST, HEADER, []),
    (b"k,n\na,1\nb,2.5\nAlle,3.5\n", BY_FIRST, HEADER, [("sum_row", 1, 4, 2, "'3.5'")]),
    (b"k,n\na,1\nb,2\nTotal,3\n", BY_FIRST, HEADER, [("total_row", 1, 4, 1, "'Total'")]),
    (b"k,n\na,1\nb,2\nc,3\n", SUM, HEADER, []),
    (b"k,n\na,10\nb,20\nc,30\n", SUM, HEADER, []),
    (b"k,n\na,11\nb,20\nc,31\n", SUM, HEADER, [("sum_row", 1, 4, 2, "'31'")]),
    (b"k,n\na,11\nb,20\nc,32\nd,63\n", MEAN, HEADER, [("sum_row", 1, 5, 2, "'63'")]),
    (b"k,n\nx,31.5\na,11\nb,20.5\n", MEAN_BY_FIRST, HEADER, [("sum_row", 1, 2, 2, "'31.5'")]),
    (b"k,n\na,10\nb,20\nc,15\n", MEAN, HEADER, []),
    (b"k,n\na,10\nb,20\nAll,30\n", MEAN_BY_FIRST, HEADER, [("total_row", 1, 4, 1, "'All'")]),
    (b"k,n,m\na,11,4\nb,20,5\nc,31,4.5\n",
     replace(SUM, aggregates=(*SUM.aggregates, Aggregate("avg", 3, "m", "number"))), HEADER,
     [("sum_row", 1, 4, 2, "'31'")]),
    (b"k,n\na,0\nb,2\nc,3\nd,2\ne,7\n", SUM, HEADER, [("sum_row", 1, 6, 2, "'7'")]),
    (b"k,n\nAlle,7\na,4\nb,-1\nc,3\nd,1\n", BY_FIRST, HEADER, [("sum_row", 1, 2, 2, "'7'")]),
    (b"k,n\nTotal,7\na,4\nb,3\n", BY_FIRST, HEADER, [("total_row", 1, 2, 1, "'Total'")]),
    (b"k,n,m\na,1,x\nb,2,y\n,3,Gesamt\n", SUM, HEADER, [("total_row", 1, 4, 3, "'Gesamt'")]),
    (b"k,n,m\na,9,SUM:\na,1,x\nb,2,y\nb,3,z\n", BY_FIRST, HEADER,
     [("total_row", 1, 2, 3, "'SUM:'")]),
    (b"k,n,Total\na,1,x\nk,n,Total\n", COUNT, HEADER,
     [("repeated_header", 1, 3, None, "'k,n,Total'")]),
    (b"k,n,m\na,1,Total\nb,2,Total\n", SUM, HEADER, []),
    # Groups that have all others
    (b"k,n\na,4\nALL,7\nb,1\nc,2\n", BY_FIRST, HEADER,
     [("total_group", 1, None, 1, "'ALL'")]),
    (b"k,n\na,400.4\nall,702\nb,100.2\nc,200.2\n", BY_FIRST, HEADER,
     [("total_group", 1, None, 1, "'all'")]),
    (b"k,m,n\nF,x,1\nM,x,3\nALL,x,4\nF,y,2\nM,y,7\nAll,y,9\nF,all,3\nM,all,10\nAll,all,13\n",
     BY_BOTH, HEADER,
     [("total_group", 3, None, 1, "'ALL'"), ("total_group", 3, None, 2, "'all'")]),
    (b"k,n\nADP,4\nALL,9\nUSD,1\nEUR,2\n", BY_FIRST, HEADER, []),
    (b"k,n\na,0\nALL,0\n", BY_FIRST, HEADER, []),
    (b"k,n\na,1\nb,2\nAlle,3\n", MAX, HEADER, [("total_row", 1, 4, 1, "'Alle'")]),
    (b"k,n\na,1\nAlle,3\nb,2\n", MAX, HEADER, []),
    (b"k,n\nall,1\nb,2\nall,3\n", MAX, HEADER, []),
    # Some of the names of the header
    (b"k,m,n\na,x,1\nk,m,l\nb,y,2\n", COUNTED, HEADER,
     [("similar_header", 1, 3, None, "'k,m,l'")]),
    (b"k,m,n,o,p\na,x,1,,\nk,m,l,q,\nb,y,2,,\n", COUNTED, HEADER, []),
    (b"k,m,n\na,x,1\nk,x,l\nb,y,2\n", COUNTED, HEADER, []),
    (b"k,n\na,1\nb,2\na,3\n", BY_FIRST, HEADER, []),
    (b"k,n\na,1\nb,2\nc,4\n", BY_FIRST, HEADER, []),
    (b"k,n\na,0\nb,0\nc,0\n", BY_FIRST, HEADER, []),
    (b"k,n\na,3\nb,3\n", BY_FIRST, HEADER, []),
    # A note
    (b"k,n,m\na,1,x\nb,2,y\n* estimated,,\n", COUNT, HEADER,
     [("note_row", 1, 4, 1, "'* estimated'")]),
    (b'k,n,m\na,1,x\n"Source:\n us",,\n', COUNTED, HEADER,
     [("note_row", 1, 3, 1, "'Source:\\n us'")]),
    (b"k,n,m\na,1,x\nb,2,y\nSource:,Office,\n", COUNT, HEADER,
     [("note_row", 1, 4, 1, "'Source:,Office'")]),
    (b"k,n,m\na,1,x\nb,2,y\n[12],estimated,\n", COUNT, HEADER,
     [("note_row", 1, 4, 1, "'[12],estimated'")]),
    (b"k,n,m\na,1,x\nb,2,y\n Quelle ,Amt,\n", COUNT, HEADER,
     [("note_row", 1, 4, 1, "' Quelle ,Amt'")]),
    (b"k,n,m\na,1,x\nb,2,y\nc,3,\n", COUNT, HEADER, []),
    (b"k,n,m\na,1,x\nb,2,y\nSource:,3,z\n", COUNT, HEADER, []),
    (b"k,n,m\n* a,1,\nb,2,y\n* c,3,\n", COUNT, HEADER, []),
    (b"k,n,m\na,,\nb,2,y\nc,,\n", COUNT, HEADER, []),
    (b"k,n,m\na,1,x\n ,,\n", COUNT, HEADER, [("empty_row", 1, 3, None, "' ,,'")]),
    (b"k,n,m\na,1,x\nTotal,,\n", COUNTED, HEADER, [("total_row", 1, 3, 1, "'Total'")]),
    (b"k,n\na,1\nb,\n", COUNT, HEADER, []),
    # Empty cells
    (b"k,n\na,1\n,\nb,2\n,\n", COUNT, HEADER, [("empty_row", 2, 3, None, "','")]),
    (b'k,n\na,1\n"",\nb,5\n', BY_FIRST, HEADER, [("empty_row", 1, 3, None, "','")]),
    (b'k,n,m\na,1,x\n ,\xc2\xa0," \n\t"\nb,2,y\n', COUNT, HEADER,
     [("empty_row", 1, 3, None, "' ,\\xa0, \\n\\t'")]),
    (b"k,n,m\na,1,x\n , ,\t\nb,2,y\n \xc2,\xe3\x80\x80,\n", COUNTED,
     replace(HEADER, encoding="utf-8", on_bad_row="skip"),
     [("empty_row", 1, 3, None, "' , ,\\t'")]),
    (b"k\tn\na\t1\n \t\t\tx\n\t0\nb\t2\n", COUNT, replace(HEADER, on_ragged="truncate"),
     [("empty_row", 1, 3, None, "' \\t'"), ("truncated_records", 1, 3, None, "' \\t\\t\\tx'")]),
    (b"k,n\na,1\n,5\n \xc2\xa0,9\n", BY_FIRST, HEADER,
     [("blank_group", 2, 3, 1, "''"),
      ("similar_groups", 1, None, 1, "'' and ' \\xa0'")]),
    (b"k,n\na,1\n,5\n", SUM, HEADER, []),
    # Groups that look alike
    (b"k,n\nx,1\nM\xc3\xbcnchen,1\n M\xc3\xbcnchen,5\nx ,7\nM\xc3\xbcnchen,1\n", BY_FIRST, HEADER,
     [("similar_groups", 2, None, 1, "' München' and 'München'")]),
    ("k,n\nMarie,1\nMa\u00adrie,3\n".encode(), BY_FIRST, HEADER,
     [("similar_groups", 1, None, 1, "'Marie' and 'Ma\\xadrie'")]),
    ("k,n\n\u2764,1\n\u2764\ufe0f,3\n\u2764\u200d,3\n".encode(), BY_FIRST, HEADER,
     [("similar_groups", 2, None, 1, "'\u2764' and '\u2764\\u200d'")]),
    (b"k,n\nx,1\nX,3\n", BY_FIRST, HEADER, [("similar_groups", 1, None, 1, "'X' and 'x'")]),
    ("k,n\né,1\ne\u0301,5\n".encode(), BY_FIRST, HEADER,
     [("similar_groups", 1, None, 1, "'e\u0301' and 'é'")]),
    (b"k,n\nx,1\nX,3\n", replace(BY_FIRST, group_by=(GroupColumn(1, "k", case="lower"),)), HEADER,
     []),
    ("k,n\né,1\ne\u0301,5\n".encode(),
     replace(BY_FIRST, group_by=(GroupColumn(1, "k", normalize="nfc"),)), HEADER, []),
    (b"k,n\na b,1\nab,3\n", BY_FIRST, HEADER, []),
    # Different values that look alike
    (b"k,n,m\na,1,X\na,1,x\na,1, x\nb,1,y\nb,1,Y \nb,2,Y\nc,3,X\nd,4,q\n",
     replace(BY_FIRST, aggregates=(Aggregate("count_distinct", 3, "m", "text"),)), HEADER,
     [("similar_distinct", 4, None, 3, "' x' and 'X'")]),
    ("k,n,m\na,1,é\nb,1,e\u0301\na,1,e\na,1,E\u0301\na,1,e\u0301\na,1,e\u0301\n".encode(),
     replace(BY_FIRST, aggregates=(Aggregate("mode", 3, "m", "text"),
                                   Aggregate("mode", 1, "k2", "text"))), HEADER,
     [("similar_distinct", 2, None, 3, "'E\u0301' and 'e\u0301'")]),
    (b"k,n,m\na,1,\xc2\xa0\na,5,x\na,1, \na,1,\n",
     Aggregation(aggregates=(Aggregate("concat_distinct", 3, "m", "text"),
                             Aggregate("count_distinct", 3, "d", "text"))), HEADER,
     [("similar_distinct", 1, None, 3, "' ' and '\\xa0'")]),
    (b"k,n,m\na,1,A\x00B\na,5,a\x00b\na,1,A\x00\x00 B\na,1,A\x00\x00B\n",
     Aggregation(aggregates=(Aggregate("count_distinct", 3, "m", "text"),)), HEADER,
     [("similar_distinct", 1, None, 3, "'A\\x00B' and 'a\\x00b'")]),
    (b"k,n,m\na,1,x\nb,1,X\na,2,y\n",
     replace(BY_FIRST, aggregates=(Aggregate("count_distinct", 3, "m", "text"),)), HEADER, []),
    (b"k,n,m\na,1,1\na,1.0,1\na,2,y\n",
     replace(BY_FIRST, aggregates=(Aggregate("count_distinct", 2, "m", "number"),
                                   Aggregate("mode", 3, "o", "text"))), HEADER, []),
    (b"k,n,m\na,1,x\na,0,X\na,2,y\n",
     replace(BY_FIRST, aggregates=(
         Aggregate("mode", 3, "m", "text", where=Condition(2, ">", ("0",), "number")),
         Aggregate("count_distinct", 3, "o", "text", where=Condition(2, "<", ("2",), "number")),
     )), HEADER, [("similar_distinct", 1, None, 3, "'X' and 'x'")]),
    # Cells that look like what is asked for, and are excluded
    (b"k,n\nDE,1\nDK,1\n DE,2\nde,3\nD E,1\nDEN,1\n,4\nDE\xc2\xa0,5\n", OF_DE, HEADER,
     [("similar_values", 3, 4, 1, "' DE' and 'DE'")]),
    (b"k,n\nDE," + b"1\nDE" + 18 * b" " + b",2\nDE" + 19 * b" " + b",3\n", OF_DE, HEADER,
     [("similar_values", 1, 3, 1, "'DE" + 18 * " " + "' and 'DE'")]),
    ("k,n\nKo\u0308ln,1\nköln,1\nfr,3\nFR,0\nKöln,2\n".encode(), OF_SEVERAL, HEADER,
     [("similar_values", 3, 2, 1, "'Ko\u0308ln' and 'Köln'")]),
    (b"k,n\nde,1\nDE,1\nFR,1\n", OF_EITHER, HEADER, []),
    (b"k,n\nde,1\nDe,1\nFR,1\n", OF_EITHER, HEADER,
     [("similar_values", 1, 3, 1, "'De' and 'DE'")]),
    # Cells that look like what is excluded, and are kept
    (b"k,n\nde,1\nDE,1\nFR,1\n D\xc2\xadE,2\nDE,1\n", NOT_DE, HEADER,
     [("kept_values", 2, 2, 1, "'de' and 'DE'")]),
    (b"k,n\nde,1\nDE,1\nFr,2\nFR,2\nES,1\n", OF_NEITHER, HEADER,
     [("kept_values", 1, 4, 1, "'Fr' and 'FR'")]),
    (b"k,n\nde,1\nDE,1\n", replace(OF_NEITHER, where=Junction("and", (
        NEITHER, Condition(2, ">", ("1",), "number")))), HEADER, []),
    (b"k,n\nde,x\nDE,1\nFR,1\n", replace(NOT_DE, aggregates=SUM.aggregates),
     replace(HEADER, on_bad_row="skip"), []),
    (b"k,n\nde,1\nDE,1\n", replace(OF_DE, where=Condition(2, "=", ("3",))), HEADER, []),
    (b"k,n\n ,1\n\xe2\x84\xaa,1\n", replace(COUNT, where=Condition(1, "in", ("", "k"))), HEADER,
     [("similar_values", 2, 2, 1, "' ' and ''")]),
]  # fmt: skip


@pytest.mark.parametrize(("data", "aggregation", "declared", "expected"), CASES)
async def test_each_kind_of_doubt_is_told(
    engine: Engine,
    tmp_path: Path,
    scratch: Path,
    data: bytes,
    aggregation: Aggregation,
    declared: Input,
    expected: list[Told],
) -> None:
    asked = replace(aggregation, input=declared)
    in_reference = reference(data, asked).report
    assert in_reference is not None
    assert told(in_reference.warnings) == expected
    for source in sources(data, tmp_path):
        output = await aggregate(engine, source, scratch, asked)
        assert output.report.warnings == in_reference.warnings


@pytest.mark.parametrize(("data", "aggregation", "declared", "expected"), CASES)
async def test_a_warning_fails_the_job_if_that_is_asked_for(
    engine: Engine,
    tmp_path: Path,
    scratch: Path,
    data: bytes,
    aggregation: Aggregation,
    declared: Input,
    expected: list[Told],
) -> None:
    strict = replace(aggregation, input=declared, on_warning="fail")
    source = sources(data, tmp_path)[0]
    if not expected:
        await aggregate(engine, source, scratch, strict)
        return
    with pytest.raises(MalformedInput) as refused:
        await aggregate(engine, source, scratch, strict)
    report = report_of(refused.value)
    assert report is not None
    assert told(report.warnings) == expected
    in_reference = reference(data, strict)
    assert in_reference.report is not None
    assert report.rows == in_reference.report.rows
    assert str(refused.value) == in_reference.reason
    assert not leftovers(scratch)


@pytest.mark.parametrize("written", [str, str.upper, str.capitalize, "\xa0{}: ".format])
async def test_totals_are_known_in_many_languages(
    engine: Engine, tmp_path: Path, scratch: Path, written: Callable[[str], str]
) -> None:
    names = sorted(map(written, TOTALS))
    data = b"k;n\na;1\n" + "".join(f"{name};2\n" for name in names).encode()
    asked = replace(COUNTED, input=replace(HEADER, quote="", delimiter=";"))
    output = await aggregate(engine, sources(data, tmp_path)[0], scratch, asked)
    assert [(w.kind, w.count) for w in output.report.warnings if w.kind == "total_row"] == [
        ("total_row", len(TOTALS))
    ]
    in_reference = reference(data, asked).report
    assert in_reference is not None
    assert output.report.warnings == in_reference.warnings


def test_the_documentation_names_all_totals_and_notes() -> None:
    page = (Path(__file__).parents[3] / "docs" / "report.md").read_text()
    (names,) = re.findall("### Names of totals\n\n(.*?)\n\n", page, re.DOTALL)
    assert set(re.findall("`(.*?)`", names)) == TOTALS
    (names,) = re.findall(
        "Names that are reported only if the sums match: (.*?)\n\n", page, re.DOTALL
    )
    assert set(re.findall("`(.*?)`", names)) == ALL
    (words,) = re.findall("or is, in any case, one of (.*?)\n\n", page, re.DOTALL)
    assert set(re.findall("`(.*?)`", words)) == NOTE_WORDS


async def test_the_reason_names_the_first_warning_and_counts_the_others(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    data = b"Stadt;Einwohner\na;336.465\nb;110.502\nTotal;950\n"
    strict = replace(BY_FIRST, input=HEADER, on_warning="fail")
    with pytest.raises(MalformedInput) as refused:
        await aggregate(engine, sources(data, tmp_path)[0], scratch, strict)
    assert str(refused.value) == (
        "on_warning is 'fail': column 2 ('Einwohner'): 2 cells such as '336.465' with exactly "
        "three decimals, 1 without decimals, none with others: they may be integers with '.' "
        "between groups of digits, but were read as decimals (first in line 2); if they are "
        "integers, set input.decimal to ',' and input.thousands to '.'; if not, set "
        "input.thousands to ',' (and 1 more warning)"
    )


async def test_a_file_with_bad_records_has_warnings_only_if_they_are_left_out(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    data = b"k,n\na,1\nx\nTotal,3\n"
    source = sources(data, tmp_path)[0]
    with pytest.raises(MalformedInput) as refused:
        await aggregate(engine, source, scratch, replace(BY_FIRST, input=HEADER))
    report = report_of(refused.value)
    assert report is not None
    assert report.warnings == ()
    skipping = replace(BY_FIRST, input=replace(HEADER, on_bad_row="skip"))
    output = await aggregate(engine, source, scratch, skipping)
    assert told(output.report.warnings) == [("total_row", 1, 4, 1, "'Total'")]
