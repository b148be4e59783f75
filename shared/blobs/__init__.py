"""Blobs: keys and values, the protocol of the storage service, and its client."""
