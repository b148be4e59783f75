"""The order of the tests, and which of them run in the same process of `pytest -n`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

COMPOSE = "tests/compose/"
CHAOS = "tests/chaos/test_chaos.py"
WAITING = (COMPOSE, CHAOS, "tests/web/", "tests/e2e/", "tests/integration/")
"""The tests that spend most of their time waiting; the longest first."""
COMPUTING = (
    "tests/unit/shared/",
    "tests/unit/storage/",
    "tests/reference/",
    "tests/unit/processor/engines/",
)
"""The tests that compute most of the time; the longest last. Those of small modules are between."""


class WholeFiles(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives each process whole files, and all files of `compose`, which share one stack, to one.

    The last process starts with the tests that compute, the others with those that wait. They meet
    at small files, so that all processes end at about the same time.
    """

    def _split_scope(self, nodeid: str) -> str:
        return COMPOSE if nodeid.startswith(COMPOSE) else str(super()._split_scope(nodeid))

    def _assign_work_unit(self, node: WorkerController) -> None:
        if node is self.nodes[-1] and len(self.nodes) > 1:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)


def place_in_parallel(nodeid: str) -> int:
    """Return a key to sort by: tests that wait, small tests, tests that compute."""
    if (first := _index(WAITING, nodeid)) is not None:
        return first - len(WAITING)
    last = _index(COMPUTING, nodeid)
    return 0 if last is None else 1 + last


def place_in_one_process(nodeid: str) -> int:
    """Return a key to sort by: chaos last, after all smaller tests."""
    return int(nodeid.startswith(CHAOS))


def _index(starts: tuple[str, ...], nodeid: str) -> int | None:
    return next((n for n, start in enumerate(starts) if nodeid.startswith(start)), None)
