"""HTTP semantics that two services use: conditions, ranges, codings, digests, bodies, downloads."""
