"""Blobs in object storage that speaks S3 (docs/decisions/0048-blobs-in-object-storage.md)."""
