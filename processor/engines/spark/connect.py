"""Sessions of Spark Connect. Needs the extra `spark`."""

from __future__ import annotations

import logging
import threading
import uuid
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from processor.engines import places
from processor.engines.kernel_run import kernel_program
from processor.engines.spark import executor
from processor.engines.spark.cluster import ClusterLost, Piece
from shared.errors import AttemptFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from processor.engines.spark.executor import Range, Work

log = logging.getLogger(__name__)

_TRIES = 4
"""How often a request to the cluster is sent again, within some seconds."""
_OF_SESSION = {
    # A row has up to 1 MiB.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "4",
    # It would put several runs of ranges into one task, as they have few bytes.
    "spark.sql.adaptive.enabled": "false",
}


def check_installed() -> None:
    """Raise AttemptFailed if the client of Spark is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pyspark.sql.connect.session  # noqa: F401
    except ImportError as error:
        raise AttemptFailed(f"CSVMILL_SPARK needs csvmill[spark]: {error}") from error


class ConnectSession:
    """See `processor.engines.spark.cluster.Session`."""

    def __init__(self, url: str, kernel: str | None = None) -> None:
        """`url` is that of Spark Connect: `sc://host:port`.

        `kernel` is the path of the kernel on executors; None ships the one of this machine.
        """
        self._url = url
        self._kernel = kernel
        self._tag = f"csvmill-{uuid.uuid4().hex}"
        self._session: Any = None
        self._lock = threading.Lock()
        self._stopped = False

    @property
    def kernel(self) -> tuple[str, bool]:
        """See `Session.kernel`."""
        if self._kernel is not None:
            return self._kernel, False
        return kernel_program().name, True

    def open(self) -> None:
        """See `Session.open`."""
        with _errors_of_cluster():
            # It warns of versions of libraries that are newer than itself.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                from pyspark.sql.connect.client.retries import DefaultPolicy
                from pyspark.sql.connect.session import SparkSession

                session = SparkSession.builder.remote(self._url).create()
            self._session = session
            session.client.set_retry_policies([DefaultPolicy(max_retries=_TRIES)])
            for name, value in _OF_SESSION.items():
                session.conf.set(name, value)
            if self._kernel is None:
                session.addArtifacts(str(kernel_program()), file=True)

    def states(
        self,
        work: Work,
        ranges: Sequence[Range],
        *,
        gather: bool,
        progress: Callable[[float], None],
    ) -> Iterator[Piece]:
        """See `Session.states`."""
        with _errors_of_cluster():
            yield from self._states(work, list(ranges), gather=gather, progress=progress)

    def _states(
        self,
        work: Work,
        ranges: list[Range],
        *,
        gather: bool,
        progress: Callable[[float], None],
    ) -> Iterator[Piece]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pyspark import cloudpickle

        for module in (executor, places):
            # Executors have no other part of this program.
            cloudpickle.register_pickle_by_value(module)
        states_of, gathered = executor.states_of, executor.gathered

        def aggregate(batches: Any) -> Any:
            numbers = (n for batch in batches for n in batch.column(0).to_pylist())
            return states_of(work, (ranges[n] for n in numbers))

        def merge(batches: Any) -> Any:
            return gathered(work, batches)

        def note(stages: Any, **_: Any) -> None:
            of_ranges = [each for each in stages or () if each.num_tasks == len(ranges)]
            progress(max((s.num_completed_tasks / s.num_tasks for s in of_ranges), default=0.0))

        session = self._session
        if session is None:
            raise ClusterLost("the session was closed")
        session.addTag(self._tag)
        session.clearProgressHandlers()
        session.registerProgressHandler(note)
        # A task for each range, so that each is repeated by itself.
        frame = session.range(0, len(ranges), 1, len(ranges)).mapInArrow(aggregate, executor.SCHEMA)
        if gather:
            runs = len({each.run for each in ranges})
            frame = frame.repartition(runs, "run").sortWithinPartitions("begin", "piece")
            frame = frame.mapInArrow(merge, executor.SCHEMA)
        for row in frame.toLocalIterator():
            if self._stopped:
                raise ClusterLost("the session was closed")
            yield Piece(row.begin, row.end, row.piece, bytes(row.data) if row.state else None)

    def stop(self) -> None:
        """See `Session.stop`."""
        self._stopped = True
        with self._lock:
            session, self._session = self._session, None
        if session is None:
            return
        for end in (lambda: session.interruptTag(self._tag), session.stop):
            try:
                end()
            except Exception as error:  # noqa: BLE001 - the cluster ends what no client asks for
                log.warning("the Spark cluster was not told to end the job: %s", error)


@contextmanager
def _errors_of_cluster() -> Iterator[None]:
    try:
        yield
    except ClusterLost:
        raise
    except Exception as error:
        raise ClusterLost(f"{type(error).__name__}: {str(error)[:2000]}") from error
