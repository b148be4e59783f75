"""Reads logs as the services write them."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from processor.events import ProcessorEvents
from shared.blobs.blob import BlobKey
from shared.telemetry.logs import TextFormatter
from tests.chaos.logs import head_starts, swept, tracebacks

if TYPE_CHECKING:
    from pathlib import Path


def test_tracebacks_outside_of_warnings_are_found_and_sweeps_are_counted(tmp_path: Path) -> None:
    handler = logging.FileHandler(tmp_path / "processor-2-001.log")
    handler.setFormatter(TextFormatter())
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        ProcessorEvents.uncounted().removed(BlobKey("results/x/1"), None)
        for log_at in (logging.WARNING, logging.ERROR, logging.ERROR):
            try:
                {0: 0}[log_at]
            except KeyError:
                logging.getLogger("a.service").log(log_at, "went wrong", exc_info=sys.exc_info())
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
        handler.close()
    assert swept(tmp_path) == 1
    (found,) = tracebacks(tmp_path)
    assert found.startswith("processor-2-001.log, line ")
    assert found.endswith(f"ERROR a.service: went wrong: KeyError: {logging.ERROR}")


def test_the_ends_of_head_starts_are_counted(tmp_path: Path) -> None:
    used, gone = (f"INFO upload 1: its head start was {end}: so\n" for end in ("used", "gone"))
    (tmp_path / "processor-1-001.log").write_text(used)
    (tmp_path / "processor-2-001.log").write_text(gone * 2)
    (tmp_path / "gateway-1-001.log").write_text(used)

    assert head_starts(tmp_path) == {"used": 1, "gone": 2}
