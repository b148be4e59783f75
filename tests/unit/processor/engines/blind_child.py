"""The engine's child process, in which measuring the memory in use fails."""

from processor.engines import duckdb_child


def _resident() -> int:
    raise ValueError("no memory to be seen")


if __name__ == "__main__":
    duckdb_child._resident = _resident
    duckdb_child.main()
