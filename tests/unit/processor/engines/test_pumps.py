"""An error in a thread beside DuckDB is never read as the end of the data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from processor.engines import fast_plan
from processor.engines.ledger import Census, Ledger
from processor.engines.plan import Header, Inconclusive
from processor.engines.pumps import FileInput
from processor.engines.result_file import ResultFile
from shared.errors import AttemptFailed, MalformedInput
from shared.inspection.open_text import open_text
from shared.jobs.job import SONG_PLAYS
from tests.oracle import expected_result
from tests.unit.processor.engines.plans import run_fast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.csv.dialect import Dialect

DATA = b"Song,Date,Plays\n" + b"a,b,1\n" * 10
ERRORS: dict[str, Callable[[], BaseException]] = {
    "out of memory": MemoryError,
    "codec": lambda: UnicodeDecodeError("utf-8", b"x", 0, 1, "made up"),
    "disk": lambda: OSError(5, "made up"),
    "ours": lambda: AttemptFailed("made up"),
    "exit": SystemExit,
}


def end_text_early(monkeypatch: pytest.MonkeyPatch, error: BaseException | None) -> None:
    """Make the text end early, at the end of a record, with or without an error."""

    def breaking(*args: Any, **more: Any) -> tuple[Dialect, Iterator[bytes]]:
        dialect, text = open_text(*args, **more)
        beginning = next(text)[:-12]

        def blocks() -> Iterator[bytes]:
            yield beginning
            if error is not None:
                raise error

        return dialect, blocks()

    # The dialect is declared, so that the input pump is the first to read.
    monkeypatch.setattr(fast_plan, "open_text", breaking)
    monkeypatch.setattr(fast_plan, "HEADER_LIMIT", 20)


@pytest.mark.parametrize("name", ERRORS)
def test_any_error_of_the_input_pump_is_raised(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    error = ERRORS[name]()
    end_text_early(monkeypatch, error)

    with pytest.raises(type(error)) as raised:
        run_fast(DATA, stream=True)

    assert raised.value is error


def test_a_damaged_file_is_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    end_text_early(monkeypatch, MalformedInput("damaged"))

    with pytest.raises(Inconclusive, match="damaged"):
        run_fast(DATA, stream=True)


def test_text_that_ends_before_its_source_is_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("processor.engines.pumps.BLOCK", len(DATA) - 1)
    monkeypatch.setattr("shared.inspection.open_text.SAMPLE_SIZE", 20)
    end_text_early(monkeypatch, None)

    with pytest.raises(Inconclusive, match="does not account for the file"):
        run_fast(DATA, stream=True)


@pytest.mark.parametrize("name", ERRORS)
def test_any_error_of_the_census_is_raised(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    error = ERRORS[name]()

    def count(*_: object) -> None:
        raise error

    monkeypatch.setattr("processor.engines.pumps.Census.add", count)

    with pytest.raises(type(error)) as raised:
        run_fast(DATA + b'"a",b,1\n')

    assert raised.value is error


def test_a_partial_census_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plays").write_bytes(DATA)
    nothing = Ledger(0, 3, 1, *(0, 0, 0, 0))
    monkeypatch.setattr(FileInput, "_work", lambda _feed: None)
    header = Header((b"a", b"b", b"c"), 16, b"\n")

    with Path("plays").open("rb", buffering=0) as file, FileInput(file, header) as source_input:
        assert nothing.balances(Census(), b"\n")
        assert not source_input.confirms(nothing)


MANY_GROUPS = b"Song,Date,Plays\n" + b"".join(b"song %d,%40d,1\n" % (n, n) for n in range(80_000))
"""A file whose result is larger than a pipe's buffer."""


@pytest.mark.parametrize("name", ERRORS)
def test_any_error_of_the_output_pump_is_raised_without_a_deadlock(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    error = ERRORS[name]()
    write = ResultFile.write

    def failing(result: ResultFile, data: bytes) -> None:
        if result.size:
            raise error
        write(result, data)

    monkeypatch.setattr(ResultFile, "write", failing)

    with pytest.raises(type(error)) as raised:
        run_fast(MANY_GROUPS)

    assert raised.value is error


def test_a_result_larger_than_a_pipe_is_complete_without_an_error() -> None:
    assert run_fast(MANY_GROUPS) == expected_result(SONG_PLAYS, MANY_GROUPS)
