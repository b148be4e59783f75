"""What a run shows without a terminal: its messages, on standard error, and no bars."""

from __future__ import annotations

import pytest

from csvmill.client import TransferProgress
from csvmill.commands.display import display


@pytest.mark.parametrize("quiet", [True, False])
def test_messages_are_printed_whole_unless_quiet(
    quiet: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    long = "the run starts over; " * 20
    with display(quiet=quiet) as shown:
        shown.uploading(TransferProgress(1, 2, 0))
        shown.note(long)
        shown.downloading(TransferProgress(1, 2, 0))
    out, err = capsys.readouterr()
    assert (out, err) == ("", "" if quiet else f"{long}\n")


def test_a_terminal_shows_bars(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with display(quiet=False) as shown:
        assert type(shown).__name__ == "Bars"
        shown.note("done")
    assert "done" in capsys.readouterr().err
