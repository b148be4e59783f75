"""Times csvmill's kernel and other engines at the same work: see docs/performance.md."""
