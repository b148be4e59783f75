"""The progress of a decompressor."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from processor.engines import decompressor
from processor.engines.decompressor import Decompressor
from tests.written import COMPRESS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("by", ["gzip", "zstd"])
def test_a_small_file_that_expands_much_is_not_read_before_its_text_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    rows = b"".join(b"song %d,2026-01-01,%d\n" % (n * 7919 % 1000, n) for n in range(100_000))
    content = b"Song,Date,Plays\n" + rows
    packed = COMPRESS[by](content)  # type: ignore[index]
    assert len(packed) < len(content) // 4
    path = tmp_path / "packed"
    path.write_bytes(packed)
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(decompressor, "INTERVAL", 0.0)

    def noted(event: dict[str, Any]) -> None:
        seen.append((event["done"], event["bytes"]))

    monkeypatch.setattr(decompressor, "send_event", noted)
    source, sink = os.open(path, os.O_RDONLY), os.open(os.devnull, os.O_WRONLY)
    try:
        task = {
            "compression": by,
            "max_size": len(content),
            "size": len(packed),
            "small": None,
        }
        run = Decompressor(task, source, sink)
        run.run()
        run.send({"event": "finished"})
    finally:
        os.close(source)
        os.close(sink)
    *during, (done, written) = seen
    assert (done, written) == (len(packed), len(content))
    # What is read is never far ahead of what is written, and the end is not told before
    assert all(done < len(packed) for done, _ in during)
    # zstd gives its text in blocks of 128 KiB, and the first ones are the sample
    assert len({done for done, _ in during}) >= 10
