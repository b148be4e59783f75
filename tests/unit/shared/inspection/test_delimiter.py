"""Delimiters are compared as wholes, and where two are near, the client must say which it is."""

from __future__ import annotations

import pytest

from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn
from shared.csv.dialect import UNDECLARED, Input
from shared.errors import MalformedInput, SpecMismatch
from shared.inspection.detect import Detection, detect_dialect, dialect_of
from shared.inspection.inspect import check_header, inspect

NAMES = b"Name, Vorname;Alter\nMeier, Anna;30\nMeier, Bert;31\n"
PRICES = b"Preis, netto;Menge\n1,50;3\n2,75;4\n"
CITIES = b"Name\tCity, State\tPop\nx\tAustin, TX\t5\ny\tDallas, TX\t6\n"
NEAR = b"a;b,c\n1;2,3\n4;5,6\n"
TITLE = b"Sales 2020\nDay;Shop;Sum\n1;x;3\n4;y;6\n"
COMMA = Input(decimal=",")


def found(data: bytes, declared: Input = UNDECLARED, *names: str) -> Detection:
    return detect_dialect(data, whole=True, declared=declared, names=names)


@pytest.mark.parametrize(
    ("data", "declared", "delimiter"),
    [
        (NAMES, UNDECLARED, ";"),
        (NAMES.replace(b";", b"\t"), UNDECLARED, "\t"),
        (NAMES.replace(b";", b"|"), UNDECLARED, "|"),
        (NAMES.replace(b"\n", b"\r\n"), UNDECLARED, ";"),
        (NAMES.replace(b"\n", b"\r"), UNDECLARED, ";"),
        (NAMES.replace(b"Meier, Anna", b'"Meier, Anna"'), UNDECLARED, ";"),
        (PRICES, UNDECLARED, ";"),
        (PRICES, COMMA, ";"),
        (PRICES.replace(b"1,50", "1.234,50 €".encode()), UNDECLARED, ";"),
        (PRICES.split(b"\n", 1)[1], Input(header=False), ";"),
        (CITIES, UNDECLARED, "\t"),
        # Texts with delimiters, each before a blank, in a file with commas
        (b"Name; Title,Age\nDoe; Dr,40\nRoe; Prof,50\n", UNDECLARED, ","),
        (b"a,agent,b\n1,X/5 (X11; Linux),200\n2,Y/1 (Z; Mac),404\n", UNDECLARED, ","),
        # Numbers with a comma in quotes
        (b'Name,Price\nx,"1,50"\ny,"2,75"\n', COMMA, ","),
        (b'"x","1,50"\n"y","2,75"\n', COMMA, ","),
    ],
)
def test_the_delimiter_that_gives_whole_cells_is_chosen(
    data: bytes, declared: Input, delimiter: str
) -> None:
    detected = found(data, declared)
    assert (detected.dialect.delimiter, detected.doubt) == (delimiter, None)


@pytest.mark.parametrize(
    ("data", "ways", "shown"),
    [
        (NEAR, "a comma or a semicolon", ["'a;b', 'c' and one below it '1;2', '3'", "'1', '2,3'"]),
        (
            # Each reading has whole records; that of commas has a date and a number.
            b"a;b;c,2000-01-01,0.5,a;b;c\na;b;c,2000-01-02,0.7,a;b;c\n",
            "a comma or a semicolon",
            ["'a;b;c', '2000-01-01', '0.5', 'a;b;c'", "'a', 'b', 'c,2000-01-01,0.5,a', 'b', ..."],
        ),
        (
            b"id,genres|styles\n1,rock|pop\n2,soul|funk\n",
            "a comma or a vertical bar",
            ["'id', 'genres|styles' and one below it '1', 'rock|pop'", "'1,rock', 'pop'"],
        ),
        # Trailing semicolons
        (b"a,b;\np,1;\n", "a comma or a semicolon", ["'a', 'b;'", "'a,b', ''"]),
        # The title has a comma; a comma is in all numbers below
        (
            b"Sales, 2020\nShop;Sum\nx;2,5\ny;5,6\nz;5,6\n",
            "a comma or a semicolon",
            ["'Sales', ' 2020' and one below it 'x;2', '5'", "'Shop', 'Sum'"],
        ),
        # The header has another delimiter than the records
        (b"id,v\n1;2,5\n2;3,5\n", "a comma or a semicolon", ["'id', 'v'", "'1', '2,5'"]),
    ],
)
def test_columns_by_position_need_a_declared_delimiter_where_two_are_near(
    data: bytes, ways: str, shown: list[str]
) -> None:
    doubt = found(data).doubt
    assert doubt is not None
    assert doubt.startswith(f"the delimiter may be {ways}: with ")
    assert doubt.endswith(": set input.delimiter")
    assert all(text in doubt for text in shown)
    with pytest.raises(MalformedInput) as raised:
        dialect_of(data, whole=True, declared=UNDECLARED)
    assert str(raised.value) == doubt
    for delimiter in ",;|":
        said = Input(delimiter=delimiter, header=True)
        assert dialect_of(data, whole=True, declared=said).delimiter == delimiter


@pytest.mark.parametrize(
    ("data", "name", "delimiter"),
    [
        (NEAR, "a", ";"),
        (NEAR, "b,c", ";"),
        (NEAR, "c", ","),
        (NEAR, "a;b", ","),
        (NAMES, "Name", ","),
        (NAMES, "Name, Vorname", ";"),
        (CITIES, "City, State", "\t"),
        (b"a,b\n1,2\n", "b", ","),
        (b"id,genres|styles\n1,rock|pop\n", "id", ","),
    ],
)
def test_the_delimiter_with_which_the_names_are_in_the_header_is_chosen(
    data: bytes, name: str, delimiter: str
) -> None:
    for declared in (UNDECLARED, COMMA):
        detected = found(data, declared, name)
        assert (detected.dialect.delimiter, detected.doubt) == (delimiter, None)


def test_two_numbers_in_each_line_may_be_one_with_two_decimals() -> None:
    declared = Input(header=False)
    assert found(b"1,50\n2,75\n", declared).doubt == (
        "the delimiter may be a comma, or each line one number such as '1,50': set "
        "input.delimiter, or input.decimal to ','"
    )
    for data in (b"1,50\n2,7\n", b"a,b\n1,50\n", b"1,50,3\n2,75,4\n", b'"1",50\n"2",75\n'):
        assert found(data, declared).doubt is None
    assert found(b"1,50\n2,75\n", Input(header=False, delimiter=",")).doubt is None


def test_made_up_names_do_not_decide_the_delimiter() -> None:
    assert found(NEAR, Input(header=False), "column1").doubt is not None


def test_a_name_that_is_in_no_reading_is_reported_with_the_columns() -> None:
    aggregation = Aggregation((GroupColumn("Song"),))
    with pytest.raises(SpecMismatch, match="no column has this name") as raised:
        check_header(NEAR, whole=True, aggregation=aggregation)
    assert raised.value.field == "group_by[0].column"


@pytest.mark.parametrize("declared", [COMMA, Input(thousands=",")])
def test_commas_in_numbers_are_not_delimiters(declared: Input) -> None:
    doubt = found(b"a,b\n1,2\n", declared).doubt
    key = "decimal" if declared == COMMA else "thousands"
    assert doubt == (
        f"the delimiter may be a comma, though input.{key} is ',' and the numbers are not in "
        "quotes: the first record is 'a', 'b': set input.delimiter; one that does not occur in the "
        "file makes each line one column"
    )
    for data in (b"1,500\n2,750\n", b"n\n1,500\n2,750\n", b"1,500;x\n2,750;y\n"):
        detected = found(data, declared)
        assert detected.doubt is None
        assert detected.dialect.delimiter == (";" if b";" in data else "\t")


@pytest.mark.parametrize(
    ("data", "start", "seen"),
    [
        (TITLE, "no delimiter fits all lines: line 1 is 'Sales 2020', and of the 3 lines below it ",
         "3 have a semicolon: set input.header_line or input.skip_lines if there are lines above"),
        (TITLE.replace(b"\n", b"\r"), "no delimiter fits all lines: line 1 is 'Sales 2020', ",
         "3 have a semicolon: "),
        (b"note\nHello, world\nFoo, bar\n", "no delimiter fits all lines: line 1 is 'note'",
         "2 have a comma"),
        (b"n\n1,50\n2,75\n", "no delimiter fits all lines: line 1 is 'n'", "2 have a comma"),
        (b"a\nx;\ny;\n", "all lines end in a semicolon but line 1, which is 'a'",
         "add it to line 1, remove it from the others"),
        (b'"a,b"\n"p,1"\n', "each line is one field in quotes that contains a comma",
         "such as 'a,b': remove the quotes around the lines"),
        (b'"a,b";\n"p,1";\n', "each line is one field in quotes that contains a comma", "'a,b'"),
    ],
)  # fmt: skip
def test_a_line_is_not_one_column_while_most_lines_have_a_delimiter(
    data: bytes, start: str, seen: str
) -> None:
    doubt = found(data).doubt
    assert doubt is not None
    assert doubt.startswith(start)
    assert seen in doubt
    assert "set input.delimiter" in doubt
    # One that does not occur makes each line one column.
    said = Input(delimiter="^", header=True)
    assert dialect_of(data, whole=True, declared=said).delimiter == "^"


def test_a_title_is_reported_for_names_too() -> None:
    aggregation = Aggregation((GroupColumn("Shop"),), (Aggregate("sum", "Sum", kind="number"),))
    for data in (TITLE, b"Sales, 2020\nShop;Sum\nx;2,5\ny;5,6\nz;5,6\n"):
        with pytest.raises(SpecMismatch) as raised:
            check_header(data, whole=True, aggregation=aggregation)
        assert raised.value.field == "input.delimiter"


@pytest.mark.parametrize(
    "lines",
    [
        b"Hello, world\nFoo, bar\n",  # each before a blank
        b"a,b,c\nd\ne,f\ng,h,i,j\n",  # in some lines more than in others
        b"1,50\n2,75\n",  # numbers
        b'"Hello, world"\n"Foo"\n',
        b"Hello\nFoo\n",
    ],
)
def test_one_column_of_text_is_read_if_its_name_is_asked_for(lines: bytes) -> None:
    detected = found(b"note\n" + lines, UNDECLARED, "note")
    assert detected.doubt is None
    assert detected.dialect.delimiter.encode() not in lines or b'"' in lines


@pytest.mark.parametrize("lines", [b"1;2\n3;4\n", b"x,1\ny,2\n", b"x\t\ny\t\n", b"x;\ny;\nz\n"])
def test_a_header_of_one_name_above_a_table_is_refused(lines: bytes) -> None:
    assert found(b"note\n" + lines, UNDECLARED, "note").doubt is not None


def test_records_that_are_not_as_wide_as_the_header_do_not_make_one_column() -> None:
    for data in (b"a;b;c\n1;2;3\n1;2\n1;2;3;4\n", b"a;b\nx;1;\ny;2;\n"):
        detected = found(data)
        assert (detected.dialect.delimiter, detected.doubt) == (";", None)


@pytest.mark.parametrize(
    ("data", "records"),
    [
        (b"a\rx\ry\r", 3),
        (b"a\rx\ry", 3),
        (b"a\rx\nz\ry\r", 2),
        (b"a;b\rx;1\ny;2\rz;3\rz;4\r", 3),
        (b"Sales 2020\ra\rx\ry\r", 4),
        (b"\xef\xbb\xbfa\rx\ry\r", 3),
    ],
)
def test_lines_that_end_in_cr_are_found_in_a_file_of_one_column(data: bytes, records: int) -> None:
    aggregation = Aggregation((GroupColumn(1),))
    inspection = inspect(data, whole=True, aggregation=aggregation)
    assert inspection.dialect.line_end == "cr"
    assert (inspection.rows + 1, inspection.error) == (records, None)


def test_more_cr_in_quotes_than_lines_do_not_end_lines() -> None:
    assert found(b'a\n"x\ry\rz\rw"\n').dialect.line_end == "lf"
    assert found(b'a\n"x\r\ry"\n').dialect.line_end == "lf"


def test_an_inspection_notes_a_doubt_about_the_delimiter() -> None:
    doubt = found(NEAR).doubt
    assert inspect(NEAR, whole=True, aggregation=None).notes[0] == doubt
    by_position = inspect(NEAR, whole=True, aggregation=Aggregation((GroupColumn(1),)))
    assert by_position.fits is not None
    assert by_position.fits.error == doubt
    by_name = inspect(NEAR, whole=True, aggregation=Aggregation((GroupColumn("a"),)))
    assert doubt not in by_name.notes
    assert by_name.fits is not None
    assert by_name.fits.error is None
