"""Results as data frames of Polars and pandas."""

from __future__ import annotations

import gzip
import sys
from typing import TYPE_CHECKING

import pytest

from csvmill.client import ClientError
from csvmill.client.dataframes import format_of_file
from csvmill.client.result_view import ResultView

if TYPE_CHECKING:
    from pathlib import Path

RESULT = ResultView(1, '"a"', "a")
TEXT = b"Song,sum(Plays)\na,5\nb,2\n"
ROWS = [{"Song": "a", "sum(Plays)": 5}, {"Song": "b", "sum(Plays)": 2}]
LINES = b'{"Song":"a","sum(Plays)":5}\n{"Song":"b","sum(Plays)":2}\n'
FILES = {"csv": TEXT, "gzip": gzip.compress(TEXT), "jsonl": LINES}


def downloaded(folder: Path, content: bytes) -> ResultView:
    (folder / "totals").write_bytes(content)
    return ResultView(len(content), '"a"', "a", folder / "totals")


@pytest.mark.parametrize("kind", FILES)
def test_polars_reads_a_result_whatever_its_name_is(tmp_path: Path, kind: str) -> None:
    pytest.importorskip("polars")
    assert downloaded(tmp_path, FILES[kind]).to_polars().to_dicts() == ROWS


@pytest.mark.parametrize("kind", FILES)
def test_pandas_reads_a_result_whatever_its_name_is(tmp_path: Path, kind: str) -> None:
    pytest.importorskip("pandas")
    assert downloaded(tmp_path, FILES[kind]).to_pandas().to_dict("records") == ROWS


CODES = b"Code,Name,n\n007,NA,1\n7,null,2\n"
CODE_LINES = b'{"Code":"007","Name":"NA","n":1}\n{"Code":"7","Name":"null","n":2}\n'
OF_CODES = [{"Code": "007", "Name": "NA", "n": 1}, {"Code": "7", "Name": "null", "n": 2}]


@pytest.mark.parametrize("library", ["polars", "pandas"])
@pytest.mark.parametrize("content", [CODES, CODE_LINES], ids=["csv", "jsonl"])
def test_texts_that_look_like_numbers_or_no_value_stay_as_they_are(
    tmp_path: Path, library: str, content: bytes
) -> None:
    pytest.importorskip(library)
    result = downloaded(tmp_path, content)
    if library == "polars":
        assert result.to_polars(text=["Code"]).to_dicts() == OF_CODES
    else:
        assert result.to_pandas(text=["Code"]).to_dict("records") == OF_CODES


@pytest.mark.parametrize("kind", FILES)
def test_the_format_is_known_by_the_first_bytes(tmp_path: Path, kind: str) -> None:
    path = downloaded(tmp_path, FILES[kind]).path
    assert path is not None
    assert format_of_file(path) == kind


def test_a_library_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = downloaded(tmp_path, TEXT)
    for name in ("polars", "pandas"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ClientError, match="Polars is not installed: pip install polars"):
        result.to_polars()
    with pytest.raises(ClientError, match="pandas is not installed: pip install pandas"):
        result.to_pandas()


def test_a_result_that_was_not_downloaded_is_refused() -> None:
    with pytest.raises(ClientError, match="download the result first"):
        RESULT.to_polars()
