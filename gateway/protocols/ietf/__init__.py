"""Resumable uploads for HTTP of the IETF (draft-ietf-httpbis-resumable-upload)."""
