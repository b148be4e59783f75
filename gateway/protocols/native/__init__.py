"""The native protocol of `/api/v1/uploads`."""
