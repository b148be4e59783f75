"""How many small jobs run at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
import pytest

from processor.slots import available_memory, small_slots

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20
GIB = 1 << 30


@pytest.mark.parametrize(
    ("cores", "memory", "taken", "slots"),
    [
        (1, 64 * GIB, GIB, 4),
        (2, 64 * GIB, GIB, 8),
        # A processor of docker-compose.yml has 1.5 GiB.
        (2, GIB + 512 * MIB, GIB, 4),
        (2, GIB + 256 * MIB + 64 * MIB, GIB, 1),
        # Less than the other jobs may need: one slot is kept.
        (2, GIB, GIB, 1),
        (2, GIB, 64 * GIB, 1),
    ],
)
def test_small_jobs_have_slots_by_cores_and_memory(
    cores: int, memory: int, taken: int, slots: int
) -> None:
    assert small_slots(cores, memory, taken) == slots


def test_the_memory_of_a_container_counts_if_it_is_less(tmp_path: Path) -> None:
    machine = psutil.virtual_memory().total
    limit, none, absent = (tmp_path / name for name in ("limit", "none", "absent"))
    limit.write_text(f"{512 * MIB}\n")
    none.write_text("max\n")
    assert available_memory((absent,)) == machine
    assert available_memory((none,)) == machine
    assert available_memory((none, limit)) == 512 * MIB
    limit.write_text(f"{1 << 62}\n")
    assert available_memory((limit,)) == machine
