"""Every error that csvmill raises on purpose, one tree.

    CsvmillError
     ├── InvalidInput                what a client sent cannot be accepted; names the field
     │    ├── UploadTooLarge         a file larger than this service is set to take
     │    ├── SpecMismatch           what is to be computed is not for this file
     │    ├── UnsupportedMedia       a body of another kind or encoding than is taken
     │    └── UnsupportedVersion     a protocol in a version that is not spoken here
     ├── NotFound
     │    ├── BlobNotFound
     │    ├── JobNotFound
     │    ├── UploadNotFound
     │    ├── UploadGone             it was there, and its bytes are not kept any longer
     │    └── ResultExpired          it existed, and is not kept any longer
     ├── JobConflict                 the job's state does not permit what was asked of it
     │    ├── JobFinished            it has ended already
     │    ├── JobNotFailed           it did not fail, so that there is nothing to retry
     │    ├── NoResult               it has not succeeded, or not yet
     │    ├── NoPreview              no first rows of its result were kept
     │    └── InputRemoved           its input is not kept any longer
     ├── OffsetConflict              bytes for another place than where the upload is
     ├── UploadCompleted             bytes for an upload that has become a job already
     ├── SizeConflict                another size was declared, or more bytes were received
     ├── InconsistentLength          what requests say of an upload's length cannot all be true
     ├── BlobConflict                the blob exists with another size or digest
     ├── HeaderNotReceived            of an upload, too little has been received to tell of it
     ├── BlobIncomplete              bytes were asked for that have not been received
     ├── NotOffered                  what is there cannot be sent as the request demands
     │    ├── NotAcceptable          in none of the content codings that it admits
     │    ├── PreconditionFailed     it is not what the condition names
     │    └── RangeNotSatisfiable    it ends before the range begins
     ├── AppendLeaseLost                   another request has taken over what this one was sending
     ├── ChunkOutOfBounds            a chunk reaches before the start or beyond the end of its blob
     ├── IdempotencyKeyReused        the key was used with another request before
     ├── DigestMismatch              the bytes are not those that were announced
     │    └── ChunkDigestMismatch    those of one request; the rest of the upload is untouched
     ├── ResultLost                  storage does not have what the job says that it wrote
     ├── StorageFull                 no room left where bytes are kept
     ├── Unauthorized                an internal caller did not show the token
     ├── Unavailable                 a dependency does not answer; the same call may succeed later
     │    ├── StorageUnavailable
     │    ├── DatabaseUnavailable
     │    ├── BrokerUnavailable
     │    └── TooManySubscriptions       as many clients follow jobs here as may at a time
     ├── SchemaMismatch              the database was migrated by another version of csvmill
     ├── LeaseLost                   another attempt, or a cancellation, has taken the job over
     └── JobFailed                   an attempt ended without a result
          ├── MalformedInput         final: the same file would fail again
          └── AttemptFailed          retryable: crash, memory, disk, an unreachable dependency

Each class has a `code`: the stable name under which the error travels between services.
HTTP status codes are not known here; each HTTP service maps the tree in one table of its own.
"""

from __future__ import annotations

from typing import ClassVar


class CsvmillError(Exception):
    """Base of every error that csvmill raises on purpose."""

    code: ClassVar[str] = "error"


class InvalidInput(CsvmillError):
    """What a client sent cannot be accepted. The message names field, value and remedy."""

    code = "invalid_input"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class UploadTooLarge(InvalidInput):
    """The file is larger than this service is set to take."""

    code = "upload_too_large"


class SpecMismatch(InvalidInput):
    """What is to be computed is not for this file, as its header shows."""

    code = "spec_mismatch"


class UnsupportedMedia(InvalidInput):
    """The body is of another kind, or otherwise encoded, than is taken here."""

    code = "unsupported_media"


class UnsupportedVersion(InvalidInput):
    """The request is of a version of its protocol that is not spoken here."""

    code = "unsupported_version"


class NotFound(CsvmillError):
    """What was asked for does not exist."""

    code = "not_found"


class BlobNotFound(NotFound):
    """There is no blob under this key."""

    code = "blob_not_found"


class JobNotFound(NotFound):
    """There is no job with this id."""

    code = "job_not_found"


class UploadNotFound(NotFound):
    """There is no upload that goes by this name."""

    code = "upload_not_found"


class UploadGone(NotFound):
    """The upload became a job, and its bytes are not kept any longer."""

    code = "upload_gone"


class ResultExpired(NotFound):
    """The job had a result, which is not kept any longer."""

    code = "result_expired"


class JobConflict(CsvmillError):
    """The job's state does not permit what was asked of it."""

    code = "job_conflict"


class JobFinished(JobConflict):
    """The job has ended already."""

    code = "job_finished"


class JobNotFailed(JobConflict):
    """The job did not fail, so that there is nothing to retry."""

    code = "job_not_failed"


class NoResult(JobConflict):
    """The job has not succeeded, or not yet, so that there is no result to download."""

    code = "no_result"


class NoPreview(JobConflict):
    """Of the job's result no first rows were kept, and they cannot be told from its beginning."""

    code = "no_preview"


class InputRemoved(JobConflict):
    """The job's input is not kept any longer, so that no attempt could read it."""

    code = "input_removed"


class HeaderNotReceived(CsvmillError):
    """The beginning of an upload has not been received yet, which would tell what was asked."""

    code = "beginning_missing"


class OffsetConflict(CsvmillError):
    """Bytes were sent for another place than that which the upload has reached."""

    code = "offset_conflict"

    def __init__(
        self, message: str, *, expected: int | None = None, provided: int | None = None
    ) -> None:
        super().__init__(message)
        self.expected = expected
        """Where the upload is, in bytes."""
        self.provided = provided
        """Where the request has put it."""


class UploadCompleted(CsvmillError):
    """The upload is complete, and takes nothing more."""

    code = "completed_upload"


class SizeConflict(CsvmillError):
    """The upload has another size, or bytes beyond the one that was declared."""

    code = "size_conflict"


class InconsistentLength(CsvmillError):
    """What requests say of the length of an upload cannot all be true."""

    code = "inconsistent_upload_length"


class BlobConflict(CsvmillError):
    """The blob exists already with another size or digest."""

    code = "blob_conflict"


class BlobIncomplete(CsvmillError):
    """Bytes were asked for that have not been received yet."""

    code = "blob_incomplete"


class NotOffered(CsvmillError):
    """What is there cannot be sent as the request demands it (RFC 9110)."""

    code = "not_offered"


class NotAcceptable(NotOffered):
    """There is no content coding that the request admits."""

    code = "not_acceptable"


class PreconditionFailed(NotOffered):
    """What is there is not what the request's condition names."""

    code = "precondition_failed"


class RangeNotSatisfiable(NotOffered):
    """What is there ends before the requested range begins."""

    code = "range_not_satisfiable"


class AppendLeaseLost(CsvmillError):
    """Another request has taken over what this one was sending; what arrived has been kept."""

    code = "taken_over"


class ChunkOutOfBounds(CsvmillError):
    """A chunk reaches before the start or beyond the end of its blob."""

    code = "chunk_out_of_bounds"


class DigestMismatch(CsvmillError):
    """The bytes that arrived are not those that were announced."""

    code = "digest_mismatch"


class ChunkDigestMismatch(DigestMismatch):
    """The bytes of one request are not those that it announced; nothing of them was kept."""

    code = "chunk_digest_mismatch"


class IdempotencyKeyReused(CsvmillError):
    """The idempotency key stands for another request than this one."""

    code = "idempotency_key_reused"


class ResultLost(CsvmillError):
    """The job has a result that is to be kept, and storage does not have it, or not all of it."""

    code = "result_lost"


class StorageFull(CsvmillError):
    """There is no room left where bytes are kept."""

    code = "storage_full"


class Unauthorized(CsvmillError):
    """An internal caller did not show the token that storage demands."""

    code = "unauthorized"


class Unavailable(CsvmillError):
    """A dependency does not answer. The same call may succeed later."""

    code = "unavailable"


class StorageUnavailable(Unavailable):
    """The storage service does not answer."""

    code = "storage_unavailable"


class DatabaseUnavailable(Unavailable):
    """The database does not answer."""

    code = "database_unavailable"


class BrokerUnavailable(Unavailable):
    """The broker does not answer, or did not confirm within the time-out."""

    code = "broker_unavailable"


class TooManySubscriptions(Unavailable):
    """As many clients follow jobs through this gateway as may at a time."""

    code = "too_many_followers"


class SchemaMismatch(CsvmillError):
    """The database's schema is not one that this version of csvmill can work with."""

    code = "schema_mismatch"


class LeaseLost(CsvmillError):
    """Another attempt, or a cancellation, has taken the job over: stop, and write nothing more."""

    code = "lease_lost"


class JobFailed(CsvmillError):
    """An attempt ended without a result; the message is the reason shown to the client."""

    code = "job_failed"

    def __init__(self, message: str, report: object | None = None) -> None:
        super().__init__(message)
        self.report = report
        """What the attempt found and used, if known; `shared.jobs.report.report_of` reads it."""


class MalformedInput(JobFailed):
    """The file itself is at fault, so that every further attempt would end the same way.

    One that is about a single record is a `shared.csv.problems.MalformedRecord`.
    """

    code = "malformed_input"


class AttemptFailed(JobFailed):
    """This attempt failed for a reason that another attempt may not meet."""

    code = "attempt_failed"
