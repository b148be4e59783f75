"""The storage service: the only one that touches the bytes of uploads and results."""
