"""Each peer as a program: `python -m benchmarks.engines.peers.NAME TASK` (see `task`).

They run in an environment of their own, that of requirements/benchmarks.txt, so they import the
standard library, their engine, and `benchmarks.engines.task` only.
"""
