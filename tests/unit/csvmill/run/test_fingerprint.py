"""Fingerprints differ between files, and change with the content of a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from csvmill.run.fingerprint import SAMPLE_SIZE, fingerprint, fingerprint_of_pipe

if TYPE_CHECKING:
    from pathlib import Path

BIG = 40 * SAMPLE_SIZE


@pytest.mark.parametrize("size", [0, 1, SAMPLE_SIZE, SAMPLE_SIZE + 1, BIG])
def test_an_unchanged_file_has_the_same_fingerprint(tmp_path: Path, size: int) -> None:
    path = tmp_path / "plays.csv"
    path.write_bytes(b"x" * size)
    first = fingerprint(path)
    assert first.size == size
    assert fingerprint(path).difference(first) is None


@pytest.mark.parametrize("at", [0, SAMPLE_SIZE - 1, BIG - 1, BIG - SAMPLE_SIZE])
def test_a_change_at_either_end_is_found_even_with_the_same_modification_time(
    tmp_path: Path, at: int
) -> None:
    path = tmp_path / "plays.csv"
    path.write_bytes(b"x" * BIG)
    first = fingerprint(path)
    content = bytearray(b"x" * BIG)
    content[at] = 0
    path.write_bytes(content)
    os.utime(path, ns=(0, first.mtime_ns or 0))
    assert first.difference(fingerprint(path)) == "its content is different"


def test_a_change_of_size_or_modification_time_is_found(tmp_path: Path) -> None:
    path = tmp_path / "plays.csv"
    path.write_bytes(b"x" * 1000)
    first = fingerprint(path)
    os.utime(path, ns=(0, 1))
    assert first.difference(fingerprint(path)) == "it was modified or replaced"
    path.write_bytes(b"x" * 2000)
    assert first.difference(fingerprint(path)) == "it had 1,000 bytes and now has 2,000"


def test_piped_input_is_identified_by_its_digest_alone(tmp_path: Path) -> None:
    path = tmp_path / "input.csv"
    path.write_bytes(b"x")
    first = fingerprint_of_pipe(path, "ab")
    os.utime(path, ns=(0, 1))
    assert first.difference(fingerprint_of_pipe(path, "ab")) is None
    assert first.difference(fingerprint_of_pipe(path, "cd")) == "its content is different"
