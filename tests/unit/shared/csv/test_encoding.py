from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.csv.dialect import Dialect
from shared.csv.encoding import is_utf8, source_length, to_utf8
from shared.csv.records import RecordReader
from shared.errors import MalformedInput

if TYPE_CHECKING:
    from shared.csv.dialect import Encoding
    from shared.csv.problems import Problem

CODECS: dict[Encoding, str] = {
    "utf-8": "utf-8",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "latin-1": "latin-1",
    "windows-1252": "cp1252",
}


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


ANY_CHARACTER = st.characters(exclude_categories=["Cs"])
ONE_BYTE: dict[Encoding, st.SearchStrategy[str]] = {
    encoding: st.sampled_from(
        [chr(code) for code in range(0x2123) if chr(code).encode(codec, "ignore")]
    )
    for encoding, codec in CODECS.items()
    if encoding in ("latin-1", "windows-1252")
}
"""All characters of an encoding; `st.characters(codec=...)` takes seconds to find them."""


@pytest.mark.parametrize("encoding", CODECS)
@given(data=st.data(), size=st.integers(1, 9))
@settings(max_examples=30)
def test_text_is_the_same_in_utf_8(encoding: Encoding, data: st.DataObject, size: int) -> None:
    text = data.draw(st.text(ONE_BYTE.get(encoding, ANY_CHARACTER)))
    encoded = text.encode(CODECS[encoding])
    # Text that begins with the byte order mark of another encoding is refused.
    if not encoded.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        out = b"".join(to_utf8(pieces(encoded, size), encoding))

        assert out.decode() == text
        assert source_length(out, encoding) == len(encoded)


@pytest.mark.parametrize(
    ("encoding", "bad"),
    [
        ("utf-8", b"\xe9"),
        ("utf-8", b"\xed\xa0\x80"),
        ("windows-1252", b"\x81"),
        ("windows-1252", b"\xe9\x9d"),
        ("utf-16-le", b"\x00\xd8"),
        ("utf-16-le", b"\x00\xdc\x3d\xd8"),
        ("utf-16-be", b"\xdc\x00"),
    ],
)
def test_invalid_text_is_a_problem_of_its_record(encoding: Encoding, bad: bytes) -> None:
    codec = CODECS[encoding]
    before = "a,b\né😀,1\n" if encoding.startswith("utf") else "a,b\né,1\n"
    after = 'z","2"\ny,3\n'
    data = (before + '"').encode(codec) + bad + after.encode(codec)
    for size in range(1, 12):
        problems: list[Problem] = []
        dialect = Dialect(encoding=encoding)
        reader = RecordReader(to_utf8(pieces(data, size), encoding), dialect, problems.append)

        assert [fields for _, fields in reader][-1] == [b"y", b"3"]
        (problem,) = problems
        assert (problem.line, problem.offset, problem.column) == (3, len(before.encode(codec)), 1)
        assert problem.expected.startswith("text in ")


@pytest.mark.parametrize("half", ["\n", "\ud83d", chr(0xDE00), "\ud83d\n"], ids=ascii)
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_half_a_character_at_the_end_is_a_problem_of_the_last_record(
    encoding: Encoding, half: str
) -> None:
    end = half.encode(encoding, errors="surrogatepass")
    if half.endswith("\n"):
        end = end[:-1]
    data = "a\nb\nc".encode(encoding) + end
    for size in (1, 2, 3, len(data)):
        problems: list[Problem] = []
        blocks = to_utf8(pieces(data, size), encoding)
        reader = RecordReader(blocks, Dialect(encoding=encoding), problems.append)

        assert list(reader) == [(1, [b"a"]), (2, [b"b"])]
        odd = ": the file ends within a character" if len(data) % 2 else ""
        expected = f"text in UTF-16{odd}"
        assert [(p.line, p.offset, p.expected) for p in problems] == [(3, 8, expected)]


def test_a_byte_order_mark_is_not_part_of_the_first_name() -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        data = "\ufeffa,b\n1,2\n".encode(encoding)
        dialect = Dialect(encoding=encoding)

        assert next(iter(RecordReader(to_utf8(pieces(data, 1), encoding), dialect))) == (
            1,
            [b"a", b"b"],
        )


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("windows-1252", b"\xef\xbb\xbfa"),
        ("latin-1", b"\xff\xfea\0"),
        ("utf-16-le", b"\xfe\xff\0a"),
        ("utf-16-be", b"\xef\xbb\xbfa"),
    ],
)
def test_a_byte_order_mark_of_another_encoding_is_refused(encoding: Encoding, data: bytes) -> None:
    with pytest.raises(MalformedInput, match=r"byte order mark of utf-.* set it to utf-"):
        list(to_utf8(pieces(data, 1), encoding))


def test_a_character_may_be_divided_among_pieces_that_are_checked() -> None:
    text = ("x" * ((1 << 20) - 1) + "é" + "y" * 10).encode()

    assert is_utf8(text)
    assert not is_utf8(text[: 1 << 20])
    assert not is_utf8(text[1 << 20 :])
