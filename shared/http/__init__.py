"""HTTP semantics: downloads (conditions, ranges, codings, digests), bodies, trailers."""
