"""What the disk of these tests keeps and loses, by examples worked out by hand."""

from __future__ import annotations

from random import Random

from tests.power_cut.disk import File, Folder


def test_bytes_are_durable_once_a_sync_that_began_after_the_write_has_returned() -> None:
    file = File()
    file.write(0, b"first", at=1)
    file.write(5, b"second", at=4)
    file.sync(begun=3)
    assert file.left(None) == b"first"
    assert bytes(file.content) == b"firstsecond"


def test_bytes_that_are_not_durable_may_be_lost_torn_or_kept() -> None:
    file = File()
    file.write(0, b"abcd", at=1)
    file.sync(begun=2)
    file.write(2, b"XYZ", at=3)
    left = {file.left(Random(seed)) for seed in range(100)}
    assert left == {b"abcd", b"abXd", b"abXY", b"abXYZ"}


def test_a_file_may_be_lost_although_its_bytes_are_durable_as_its_name_is_not() -> None:
    folder, file = Folder(), File()
    folder.put(b"name", file, at=1)
    file.write(0, b"kept", at=2)
    file.sync(begun=3)
    assert folder.left(None) == {}
    folder.sync(begun=4)
    assert folder.left(None) == {b"name": file}


def test_a_name_may_be_new_or_old_until_its_folder_is_synced() -> None:
    folder, file = Folder(), File()
    folder.put(b"old", file, at=1)
    folder.sync(begun=2)
    folder.put(b"new", file, at=3)
    folder.put(b"old", None, at=3)
    names = {frozenset(folder.left(Random(seed))) for seed in range(100)}
    assert names == {frozenset(each) for each in ([b"old"], [b"old", b"new"], [], [b"new"])}
    folder.sync(begun=4)
    assert folder.left(Random(0)) == {b"new": file}
