"""Folders of data are for their owner only, also those that exist already."""

from __future__ import annotations

import logging
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from shared.runtime.files import make_private
from storage.filesystem.blobs import FilesystemBlobs

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")


def mode(folder: Path) -> int:
    return stat.S_IMODE(folder.stat().st_mode)


@pytest.mark.parametrize("before", [0o755, 0o777, 0o750, 0o700])
def test_a_folder_becomes_private(tmp_path: Path, before: int) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(before)
    make_private(folder)
    assert mode(folder) == 0o700


def test_a_folder_for_all_is_left_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    folder = tmp_path / "tmp"
    folder.mkdir()
    folder.chmod(0o1777)
    make_private(folder)
    assert mode(folder) == 0o1777
    assert "others can read" in caplog.text


async def test_the_folder_of_the_blobs_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "blobs"
    folder.mkdir()
    folder.chmod(0o755)
    async with FilesystemBlobs(folder, fsync=False):
        assert mode(folder) == 0o700
