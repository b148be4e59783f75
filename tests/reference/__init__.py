"""A plain implementation of aggregations, in memory, that the kernel is compared with.

It defines docs/csv.md, docs/aggregation.md and docs/report.md byte for byte: result, rejects,
reason and report. It reads records, cells and headers with the product's own Python code, which the
gateway also uses; the oracle (`tests.oracle`) shares no code with the product.
"""
