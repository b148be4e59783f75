"""The table of output formats."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from processor.engines import result
from shared.aggregation.formats import FORMATS, FormatName, OutputFormat

DOCS = Path(__file__).parents[4] / "docs"

formats = pytest.mark.parametrize("output", FORMATS.values(), ids=FORMATS)


def test_every_name_has_one_line_in_the_table() -> None:
    assert set(FORMATS) == set(get_args(FormatName))


@formats
def test_a_compressed_format_has_a_compressor(output: OutputFormat) -> None:
    assert output.compression == "none" or output.compression in result._COMPRESSORS


@formats
def test_a_compressed_file_gets_no_content_coding(output: OutputFormat) -> None:
    assert output.compression == "none" or output.compressed


@pytest.mark.parametrize("page", ["aggregation.md", "glossary.md"])
@formats
def test_a_format_is_documented(output: OutputFormat, page: str) -> None:
    assert f"`{output.name}`" in (DOCS / page).read_text(encoding="utf-8")
