"""Complete writes, atomic replacement, and locks."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.runtime.files import lock_file, move_file, replace_file, write_all


@pytest.fixture
def partial_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the system write at most three bytes per call."""
    write, pwrite = os.write, os.pwrite
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:3]))
    monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: pwrite(fd, data[:3], offset))
    monkeypatch.setattr(
        os, "pwritev", lambda fd, buffers, offset: pwrite(fd, b"".join(buffers)[:3], offset)
    )


@pytest.mark.usefixtures("partial_writes")
@pytest.mark.parametrize("offset", [None, 0, 5])
def test_every_byte_is_written_in_spite_of_partial_writes(
    tmp_path: Path, offset: int | None
) -> None:
    fd = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    write_all(fd, b"01234", b"", memoryview(b"56789"), offset=offset)
    os.close(fd)
    assert (tmp_path / "file").read_bytes() == bytes(offset or 0) + b"0123456789"


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize("by_folder", [True, False])
def test_a_file_is_replaced_and_nothing_else_is_left(
    tmp_path: Path, durable: bool, by_folder: bool
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old and longer")
    folder = os.open(tmp_path, os.O_RDONLY) if by_folder else None
    replace_file(Path("file") if by_folder else file, b"new", durable=durable, dir_fd=folder)
    if folder is not None:
        os.close(folder)
    assert file.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("by_folder", [True, False])
def test_a_durable_replacement_syncs_the_content_before_the_rename_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_folder: bool
) -> None:
    calls: list[str] = []
    fsync, replace = os.fsync, os.replace

    def record_fsync(fd: int) -> None:
        calls.append(f"fsync {Path(f'/proc/self/fd/{fd}').readlink().name}")
        fsync(fd)

    def record_replace(source: Path, target: Path, **folders: int | None) -> None:
        calls.append(f"replace {source.name} {target.name}")
        replace(source, target, **folders)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "replace", record_replace)
    folder = os.open(tmp_path, os.O_RDONLY) if by_folder else None
    path = Path("file") if by_folder else tmp_path / "file"
    replace_file(path, b"new", durable=True, dir_fd=folder)
    if folder is not None:
        os.close(folder)
    expected = ["fsync .file.new", "replace .file.new file", f"fsync {tmp_path.name}"]
    assert calls == expected
    replace_file(tmp_path / "file", b"newer", durable=False)
    assert calls[3:] == ["replace .file.new file"]


def test_a_file_moved_to_another_file_system_is_copied_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"content")
    replace = Path.replace

    def refuse(path: Path, to: Path) -> Path:
        if path == source:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return replace(path, to)

    monkeypatch.setattr(Path, "replace", refuse)
    move_file(source, target)
    assert target.read_bytes() == b"content"
    assert list(tmp_path.iterdir()) == [target]


def test_a_lock_has_one_holder_at_a_time(tmp_path: Path) -> None:
    holder = lock_file(tmp_path / "lock")
    with pytest.raises(BlockingIOError):
        lock_file(tmp_path / "lock")
    os.close(holder)
    os.close(lock_file(tmp_path / "lock", wait=True))
    with pytest.raises(FileNotFoundError):
        lock_file(tmp_path / "missing", create=False)


def test_the_client_imports_where_there_is_no_fcntl() -> None:
    code = "import sys; sys.modules['fcntl'] = None; import csvmill.client"
    subprocess.run([sys.executable, "-c", code], check=True)
