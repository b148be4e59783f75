"""Resumable uploads for HTTP, as drafted by the IETF (draft-ietf-httpbis-resumable-upload)."""
