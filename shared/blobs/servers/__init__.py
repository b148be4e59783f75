"""Several storage servers that share their complete blobs, behind one adapter of `Blobs`."""
