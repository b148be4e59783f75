"""Blobs: keys and values, the internal protocol of storage, and its client."""
