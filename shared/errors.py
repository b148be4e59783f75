"""Every error that csvmill raises on purpose, with its code, HTTP status, problem type and title.

To add an error, add a class: its line declares everything else, and `__init_subclass__` fills in
the class variables that the gateway, storage and the OpenAPI document read. What a class does not
declare it inherits. The first line of its docstring describes it in the OpenAPI document.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

TYPE_PREFIX = "urn:csvmill:problem:"
IANA_PREFIX = "https://iana.org/assignments/http-problem-types#"
"""Prefix of the problem types of draft-ietf-httpbis-resumable-upload-10, section 7."""


class CsvmillError(Exception):
    """An unexpected fault of the service. The message names the request to look up in its log."""

    code: ClassVar[str] = "error"
    """The stable name under which the error travels between services."""
    status: ClassVar[int] = 500
    """The HTTP status of the gateway's answer."""
    internal_status: ClassVar[int] = 500
    """The HTTP status of storage's answer."""
    problem_type: ClassVar[str] = "about:blank"
    """The problem type (RFC 9457), on which clients may rely."""
    title: ClassVar[str | None] = None
    """The title of the problem type; None for `about:blank`, whose title is that of the status."""
    public: ClassVar[bool] = False
    """Whether clients see the message. That of another error of status 5xx is only logged."""

    def __init_subclass__(
        cls,
        *,
        code: str | None = None,
        status: int | None = None,
        title: str | None = None,
        internal_status: int | None = None,
        iana_type: str | None = None,
        public: bool | None = None,
    ) -> None:
        """Declare an error.

        `title` gives it a problem type of its own, named after `code`, or `iana_type` if a
        standard defines one. `internal_status` is the same as a `status` that is declared with
        it, unless given. The message is `public` unless the status is 5xx.
        """
        super().__init_subclass__()
        if code is not None:
            if code in _CLASSES:
                raise TypeError(f"{cls.__name__} has the code of {_CLASSES[code].__name__}")
            cls.code = code
            _CLASSES[code] = cls
        if status is not None:
            cls.status = cls.internal_status = status
            cls.public = cls.public or status < 500
        if internal_status is not None:
            cls.internal_status = internal_status
        if public is not None:
            cls.public = public
        if title is not None:
            cls.title = title
            cls.problem_type = (
                IANA_PREFIX + iana_type if iana_type else TYPE_PREFIX + cls.code.replace("_", "-")
            )


_CLASSES: dict[str, type[CsvmillError]] = {CsvmillError.code: CsvmillError}


def error_classes() -> Mapping[str, type[CsvmillError]]:
    """Return every error class by its code."""
    return MappingProxyType(_CLASSES)


# Requests that cannot be accepted as they are.


class InvalidInput(CsvmillError, code="invalid_input", status=400, title="Invalid request"):
    """A field is missing or malformed. The message names the field, its value and what to send."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class AddressRefused(InvalidInput, code="address_refused", status=400, title="URL not allowed"):
    """Requests of this service may not go to this URL, or to the address of its host."""


class UploadTooLarge(InvalidInput, code="upload_too_large", status=413, title="File too large"):
    """The file is larger than this service accepts."""


class SpecMismatch(
    InvalidInput, code="spec_mismatch", status=422, title="Aggregation does not match the file"
):
    """The aggregation does not match the file's header."""


class BadRowsFound(CsvmillError, code="bad_rows_found", status=422, title="File has bad rows"):
    """Rows that fail the job were found while the file was received, and `fail_early` is set."""


class UnsupportedMedia(
    InvalidInput, code="unsupported_media", status=415, title="Unsupported media type"
):
    """The media type or content coding of the body is not supported."""


class BodyTooSlow(InvalidInput, code="body_too_slow", status=408, title="Body too slow"):
    """The body arrives more slowly than this service accepts."""


class UnsupportedVersion(
    InvalidInput, code="unsupported_version", status=412, title="Unsupported protocol version"
):
    """The version of the upload protocol is not supported."""


class IdempotencyKeyReused(
    CsvmillError, code="idempotency_key_reused", status=422, title="Idempotency key reused"
):
    """The idempotency key was used before with a different request."""


# Requests that are refused by their header, before their body is read.


class AccessRefused(CsvmillError):
    """The request is not one that this service answers. Its body is not read."""


class UnknownHost(
    AccessRefused, code="unknown_host", status=421, title="Not a name of this service"
):
    """`Host` is not a name that the service answers to (`CSVMILL_ALLOWED_HOSTS`)."""


class OriginRefused(
    AccessRefused, code="origin_refused", status=403, title="Page of another origin"
):
    """A web page of an origin that is not in `CSVMILL_CORS_ORIGINS` would change something."""


class NotAuthenticated(AccessRefused, code="not_authenticated", status=401, title="No valid key"):
    """The request has no API key, or one that is not valid."""


class ScopeMissing(
    AccessRefused, code="scope_missing", status=403, title="The key does not allow this"
):
    """The API key does not have the scope that this request needs."""

    def __init__(self, message: str, *, scopes: frozenset[str] = frozenset()) -> None:
        super().__init__(message)
        self.scopes = scopes
        """Any one of these scopes is sufficient."""


class TooManyRequests(
    AccessRefused, code="too_many_requests", status=429, title="Too many requests"
):
    """The tenant has sent more requests than it may in this time."""

    def __init__(self, message: str, *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds after which one more is answered."""


# Requests that exceed what the tenant may use.


class TooManyUploads(
    CsvmillError, code="too_many_uploads", status=429, title="Too many uploads in progress"
):
    """The tenant has reached its limit of uploads in progress."""


class TooManyJobs(CsvmillError, code="too_many_jobs", status=429, title="Too many waiting jobs"):
    """The tenant has reached its limit of waiting jobs."""


class TooManySpecs(CsvmillError, code="too_many_specs", status=409, title="Too many saved specs"):
    """The tenant has reached its limit of saved specs."""


class NoWebhookSecret(
    CsvmillError, code="no_webhook_secret", status=409, title="No webhook secret"
):
    """The tenant has no secret with which notifications are signed: create one first."""


class TooManyKeys(CsvmillError, code="too_many_keys", status=409, title="Too many API keys"):
    """The tenant has reached its limit of API keys, and none of them has ended."""


class QuotaExceeded(
    CsvmillError,
    code="quota_exceeded", status=507, title="Storage quota exceeded", public=True,
):  # fmt: skip
    """The declared size of the file plus what the tenant already stores exceeds its quota."""


# Things that do not exist, or do not exist any more.


class BlobNotFound(CsvmillError, code="blob_not_found", status=404):
    """There is no blob under this key."""


class JobNotFound(CsvmillError, code="job_not_found", status=404, title="Job not found"):
    """There is no job with this id."""


class KeyNotFound(CsvmillError, code="key_not_found", status=404, title="API key not found"):
    """There is no API key with this id, or it is revoked and cannot be rotated."""


class SpecNotFound(CsvmillError, code="spec_not_found", status=404, title="Spec not found"):
    """There is no saved spec with this name."""


class NotificationNotFound(
    CsvmillError, code="notification_not_found", status=404, title="Notification not found"
):
    """There is no notification with this id."""


class UploadNotFound(CsvmillError, code="upload_not_found", status=404, title="Upload not found"):
    """There is no upload with this id or name."""


class UploadGone(CsvmillError, code="upload_gone", status=410, title="Upload no longer stored"):
    """The upload became a job, and its bytes were deleted."""


class ResultExpired(CsvmillError, code="result_expired", status=410, title="Result expired"):
    """The result was deleted when its retention ended."""


class ResultLost(CsvmillError, code="result_lost", status=500, title="Result lost", public=True):
    """Storage lost the result, or a part of it, before its retention ended."""


# Requests that the state of a job does not permit.


class JobFinished(CsvmillError, code="job_finished", status=409, title="Job already finished"):
    """The job has already succeeded or failed."""


class AmbiguousName(CsvmillError, code="ambiguous_name", status=409, title="Name is ambiguous"):
    """Several uploads with different bytes have the name. The message lists their ids."""


class UploadIncomplete(
    CsvmillError, code="upload_incomplete", status=409, title="Upload not complete"
):
    """Not all bytes of the upload have been received."""


class UploadInUse(CsvmillError, code="upload_in_use", status=409, title="Upload in use"):
    """Jobs other than the upload's own read it and have not ended."""


class JobNotFailed(CsvmillError, code="job_not_failed", status=409, title="Job has not failed"):
    """Only a failed job can be retried."""


class NoResult(CsvmillError, code="no_result", status=409, title="Job has no result"):
    """The job has not succeeded, so there is no result to download."""


class NoPreview(CsvmillError, code="no_preview", status=409, title="Result has no preview"):
    """The result is Parquet or Excel, and no first rows were stored with it for a preview."""


class NotSortable(CsvmillError, code="not_sortable", status=409, title="Result too large to sort"):
    """A preview cannot be sorted by a column.

    The result is too large, or it is Parquet or Excel and has more rows than are stored beside it.
    """


class InputRemoved(CsvmillError, code="input_removed", status=409, title="Input no longer stored"):
    """The uploaded bytes were deleted, so they cannot be read again."""


# Requests that the state of an upload or a blob does not permit.


class HeaderNotReceived(
    CsvmillError, code="beginning_missing", status=409, title="Header not received yet"
):
    """The start of the file, with its header, has not been received yet."""


class OffsetConflict(
    CsvmillError,
    code="offset_conflict", status=409, title="Mismatching Upload Offset",
    iana_type="mismatching-upload-offset",
):  # fmt: skip
    """The request's offset is not the upload's current offset."""

    def __init__(
        self, message: str, *, expected: int | None = None, provided: int | None = None
    ) -> None:
        super().__init__(message)
        self.expected = expected
        """The upload's offset, in bytes."""
        self.provided = provided
        """The request's offset, in bytes."""


class BytesDiffer(
    CsvmillError, code="bytes_differ", status=409, title="Other bytes were received before"
):
    """The bytes are not those that were received before at their offset, which stay."""


class UploadCompleted(
    CsvmillError,
    code="completed_upload", status=400, title="Upload Is Completed",
    iana_type="completed-upload",
):  # fmt: skip
    """The upload is complete and accepts no more bytes."""


class InconsistentLength(
    CsvmillError,
    code="inconsistent_upload_length", status=400, title="Inconsistent Upload Length Values",
    iana_type="inconsistent-upload-length",
):  # fmt: skip
    """The lengths that requests declare for the upload contradict each other."""


class SizeConflict(
    CsvmillError, code="size_conflict", status=409, title="Size does not match the upload"
):
    """The upload has a different size, or already has bytes beyond the declared one."""


class AppendLeaseLost(
    CsvmillError, code="taken_over", status=409, title="Another request continues this upload"
):
    """Another request took over this upload. The bytes received before are kept."""


class ChunkOutOfBounds(
    CsvmillError, code="chunk_out_of_bounds", status=400, title="Chunk outside the file"
):
    """The chunk begins before the start of the file or reaches beyond its end.

    Or it leaves one gap more in an upload that has 2,000.
    """


class DigestMismatch(
    CsvmillError, code="digest_mismatch", status=400, title="File digest mismatch"
):
    """The file does not have the declared digest. None of it was kept."""


class ChunkDigestMismatch(
    DigestMismatch, code="chunk_digest_mismatch", status=400, title="Content digest mismatch"
):
    """The content of the request does not have the declared digest. None of it was kept."""


class BlobConflict(CsvmillError, code="blob_conflict", status=400):
    """The upload already exists with a different size or digest."""


class BytesLost(CsvmillError, code="bytes_lost", status=409):
    """Bytes of the upload that were acknowledged may be lost with a storage server.

    Raised only for a chunk of a client that does not ask which bytes were received.
    """


class BlobIncomplete(CsvmillError, code="blob_incomplete", status=500, internal_status=409):
    """The requested bytes have not been received yet."""


# Downloads that RFC 9110 refuses.


class NotAcceptable(
    CsvmillError, code="not_acceptable", status=406, title="No acceptable content coding"
):
    """The service has none of the content codings that Accept-Encoding admits."""


class PreconditionFailed(
    CsvmillError, code="precondition_failed", status=412, title="Precondition failed"
):
    """The stored representation does not meet the request's condition."""


class RangeNotSatisfiable(
    CsvmillError, code="range_not_satisfiable", status=416, title="Range not satisfiable"
):
    """The requested range begins beyond the end."""


# Requests beyond what one tenant or client may have at the same time.


class TooManyDownloads(
    CsvmillError, code="too_many_downloads", status=429, title="Too many downloads"
):
    """The tenant has reached its limit of downloads in progress."""


class TooManyInspections(
    CsvmillError, code="too_many_inspections", status=429, title="Too many inspections"
):
    """The tenant has reached its limit of inspections in progress."""


class TooManyTenantSubscriptions(
    CsvmillError,
    code="too_many_tenant_followers", status=429, title="Too many of your clients follow jobs",
):  # fmt: skip
    """The tenant has reached its limit of clients that follow jobs."""


# Faults of the service and what it depends on.


class StorageFull(CsvmillError, code="storage_full", status=507, title="Storage full", public=True):
    """Storage has no disk space left."""


class Unauthorized(CsvmillError, code="unauthorized", status=502, internal_status=401):
    """One service refuses the token or the certificate of another, which operators configure."""


class Unavailable(
    CsvmillError, code="unavailable", status=503, title="Dependency unavailable", public=True
):
    """Storage, the database or the broker does not answer. The same request may succeed later."""


class JobDelayed(
    Unavailable, code="job_delayed", status=503, title="File stored, job not created yet"
):
    """The database did not answer after the last byte of a file was stored.

    The job is created once the database answers.
    """

    def __init__(self, message: str, upload_id: UUID | None = None) -> None:
        super().__init__(message)
        self.upload_id = upload_id


class StorageUnavailable(Unavailable, code="storage_unavailable"):
    """Storage does not answer."""


class ObjectStorageUnavailable(StorageUnavailable, code="object_storage_unavailable"):
    """The object storage behind storage does not answer."""


class BlobMoved(StorageUnavailable, code="blob_moved", internal_status=409):
    """The upload is at another storage server now."""


class DatabaseUnavailable(Unavailable, code="database_unavailable"):
    """The database does not answer."""


class IssuerUnavailable(Unavailable, code="issuer_unavailable"):
    """The identity provider does not answer, and its keys are not known."""


class BrokerUnavailable(Unavailable, code="broker_unavailable"):
    """The broker does not answer, or does not confirm a message in time."""


class TooManySubscriptions(
    Unavailable, code="too_many_followers", status=503, title="Too many clients follow jobs"
):
    """This gateway serves the maximum number of event streams."""


class TooManyUnknownKeys(
    Unavailable, code="too_many_unknown_keys", status=503, title="Too many unknown API keys"
):
    """Many unknown API keys are being used, so this one, if it is new, is not looked up now."""


class TooBusy(Unavailable, code="too_busy", status=503, title="Service busy"):
    """This gateway serves as many such requests as it can at the same time."""


class SchemaMismatch(CsvmillError, code="schema_mismatch", status=500):
    """This version of csvmill cannot work with the database's schema."""


# Attempts at a job.


class LeaseLost(CsvmillError, code="lease_lost", status=500):
    """Another attempt or a cancellation ended this attempt's lease. It must write nothing more."""


class JobFailed(CsvmillError, code="job_failed", status=500):
    """The attempt ended without a result. The message is the reason shown to the client."""

    def __init__(self, message: str, report: object | None = None) -> None:
        super().__init__(message)
        self.report = report
        """What the attempt found and used, if known; `shared.jobs.report.report_of` reads it."""


class MalformedInput(JobFailed, code="malformed_input"):
    """The file itself is malformed, so every further attempt would fail too.

    An error about a single record is a `shared.csv.problems.MalformedRecord`.
    """


class AttemptFailed(JobFailed, code="attempt_failed"):
    """The attempt failed for a reason that another attempt may not meet."""
