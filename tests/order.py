"""The order of the tests, and which of them run in the same process of `pytest -n`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

COMPOSE = "tests/compose/"
CHAOS = "tests/chaos/test_chaos.py"
WAITING = (COMPOSE, CHAOS, "tests/e2e/", "tests/integration/")
"""The tests that spend most of their time waiting; the longest first."""


class WholeFiles(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives each process whole files, and all files of `compose`, which share one stack, to one.

    The first process starts with the tests that wait, the others with those that compute.
    """

    def _split_scope(self, nodeid: str) -> str:
        return COMPOSE if nodeid.startswith(COMPOSE) else str(super()._split_scope(nodeid))

    def _assign_work_unit(self, node: WorkerController) -> None:
        if node is not self.nodes[0]:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)


def place_in_parallel(nodeid: str) -> int:
    """Return a key to sort by: tests that wait, then tests that compute."""
    return next((n for n, start in enumerate(WAITING) if nodeid.startswith(start)), len(WAITING))


def place_in_one_process(nodeid: str) -> int:
    """Return a key to sort by: chaos last, after all smaller tests."""
    return int(nodeid.startswith(CHAOS))
