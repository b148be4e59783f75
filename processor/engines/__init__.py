"""Compute aggregations: the engine port, and the engine that runs the kernel."""
