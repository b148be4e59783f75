"""The types of problems (RFC 9457) that the client and the commands tell apart."""

from __future__ import annotations

SPEC_NOT_FOUND = "urn:csvmill:problem:spec-not-found"
UPLOAD_NOT_FOUND = "urn:csvmill:problem:upload-not-found"
JOB_NOT_FOUND = "urn:csvmill:problem:job-not-found"
JOB_NOT_FAILED = "urn:csvmill:problem:job-not-failed"
