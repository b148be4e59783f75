"""Aggregates a large file on a Spark cluster, whose executors run the kernel."""
