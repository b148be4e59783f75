"""Compute aggregations: the engine port and the DuckDB engine."""
