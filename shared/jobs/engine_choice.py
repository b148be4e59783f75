"""Where a client wants its job to be computed."""

from __future__ import annotations

from enum import StrEnum


class EngineChoice(StrEnum):
    """A wish, which changes no byte of a result: what cannot go to a cluster runs without one."""

    AUTO = "auto"
    """Where the settings of processors say, by the size of the file."""
    LOCAL = "local"
    """By a processor, and not on a cluster."""
    SPARK = "spark"
    """On the Spark cluster of the processors, whatever the size."""
