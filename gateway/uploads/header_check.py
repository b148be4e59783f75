"""Header checks: whether an upload fits its spec.

An upload whose spec names columns that it does not have is refused as soon as its first MiB is
received, and not after its last byte. The check is the job's own, on the same bytes by the same
code: so all gateways agree, and nothing is recorded.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections import OrderedDict
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.access.tenant_turns import TenantTurns
from gateway.inspections.samples import Samples
from gateway.inspections.start import CHECKS_AT_A_TIME, FIRST_READ, digest_of, read_start, reads
from shared.blobs.socket_part import bytes_of, size_of
from shared.errors import MalformedInput, SpecMismatch, TooBusy, TooManyInspections
from shared.inspection.inspect import INSPECTION_LIMIT, check_header
from shared.inspection.sample import SAMPLE_SIZE
from shared.uploads.keys import tenant_of
from shared.uploads.metadata import AGGREGATION, aggregation_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from uuid import UUID

    from gateway.uploads.upload import Upload
    from shared.access.tenant import Tenant
    from shared.aggregation.spec import Aggregation
    from shared.blobs.socket_part import Piece
    from shared.ports import Blobs

AGAIN = 8 << 20
"""Bytes of a request after which it gets the number of received bytes again."""
HELD_AT_A_TIME = 64
"""Requests whose first MiB a gateway holds to check it as it arrives."""
HELD_OF_TENANT = 32
"""The same of one tenant: its other uploads are checked when these bytes are stored."""
_REMEMBERED = 10_000
_REFUSALS_REMEMBERED = 1000
_NEVER = sys.maxsize


class HeaderChecker:
    """Checks headers in threads. One for a gateway."""

    def __init__(self) -> None:
        self._checks = TenantTurns(CHECKS_AT_A_TIME)
        # A turn before a check, and never during one: no check waits for storage.
        self._reads = reads()
        self._samples = Samples(limit=HELD_AT_A_TIME, tenant_limit=HELD_OF_TENANT)
        self._refusals: OrderedDict[tuple[Tenant, bytes, bytes], SpecMismatch] = OrderedDict()
        # Of samples and specs, by their digests. The time of an answer does not tell a tenant
        # whether another one has the same file.
        self._check_from: OrderedDict[tuple[UUID, bytes], int] = OrderedDict()
        # Bytes of an upload that must be received before it is checked (again); `_NEVER` if it
        # fits. One that does not fit is checked each time, as it may be removed and created anew
        # under the same id.

    @property
    def held(self) -> int:
        """How many requests have their first MiB held now."""
        return len(self._samples)

    async def check(self, blobs: Blobs, upload: Upload) -> None:
        """Raise SpecMismatch if an incomplete upload does not fit its spec.

        Needs the first MiB; if the header is longer, checks again each time the received bytes
        have doubled. A complete upload is not checked here; its job reports the mismatch.
        """
        if not self.applies_to(upload):
            return
        needed = self._check_from.get(_key(upload), SAMPLE_SIZE)
        if upload.blob.prefix >= needed:
            limit = FIRST_READ if needed == SAMPLE_SIZE else INSPECTION_LIMIT
            async with self._reads[limit].one(tenant_of(upload.blob.key)):
                sample = await read_start(blobs, upload.blob, limit)
                await self.check_sample(upload, sample)

    async def check_complete(self, blobs: Blobs, upload: Upload, aggregation: Aggregation) -> None:
        """Raise SpecMismatch if a complete upload does not fit an aggregation, as its job would.

        Raises BlobNotFound if it is removed meanwhile.
        """
        tenant = tenant_of(upload.blob.key)
        for limit in (FIRST_READ, INSPECTION_LIMIT):
            async with self._reads[limit].one(tenant):
                sample = await read_start(blobs, upload.blob, limit)
                whole = len(sample) == upload.blob.size
                async with self._checks.one(tenant):
                    try:
                        final = await asyncio.to_thread(
                            check_header, sample, whole=whole, aggregation=aggregation
                        )
                    except SpecMismatch as error:
                        raise SpecMismatch(
                            f"the spec does not fit {upload.filename}: {error}", field=error.field
                        ) from error
                    except MalformedInput as error:
                        raise SpecMismatch(f"{upload.filename} can't be read: {error}") from error
            if final or whole:
                return

    def watch(
        self, blobs: Blobs, offset: int, *, tolerated: int, on_header: Callable[[Upload, int], None]
    ) -> HeaderWatch:
        """Return the check of one request that writes at `offset`.

        If the file does not fit its spec, up to `tolerated` bytes are passed on before the request
        is refused, and at least the first MiB. `on_header` is called with the number of bytes
        received without a gap when the first MiB is received, or was before, and fits; and again
        whenever `AGAIN` more bytes have been received.
        """
        return HeaderWatch(self, blobs, offset, tolerated, on_header)

    async def check_sample(self, upload: Upload, sample: bytes) -> None:
        """Raise SpecMismatch if an upload that begins with `sample` does not fit its spec."""
        tenant = tenant_of(upload.blob.key)
        key = (tenant, await digest_of(sample), _key(upload)[1])
        if (refusal := self._refusals.get(key)) is not None:
            raise SpecMismatch(str(refusal), field=refusal.field)
        async with self._checks.one(tenant):
            try:
                await self._check(upload, sample)
            except SpecMismatch as error:
                self._refusals[key] = SpecMismatch(str(error), field=error.field)
                if len(self._refusals) > _REFUSALS_REMEMBERED:
                    self._refusals.popitem(last=False)
                raise

    async def _check(self, upload: Upload, sample: bytes) -> None:
        aggregation = aggregation_of(upload.blob.metadata)
        fits = aggregation.is_default
        try:
            if not fits:
                fits = await asyncio.to_thread(
                    check_header, sample, whole=False, aggregation=aggregation
                )
        except SpecMismatch as error:
            raise SpecMismatch(
                f"the spec does not fit this file: {error}", field=error.field
            ) from error
        except MalformedInput as error:
            raise SpecMismatch(f"the file can't be read: {error}") from error
        self._check_from[_key(upload)] = _NEVER if fits else 2 * len(sample)
        if len(self._check_from) > _REMEMBERED:
            self._check_from.popitem(last=False)

    def holds(self, upload: Upload, held: AsyncExitStack) -> bool:
        """Whether there is room to hold the first MiB of an upload, until `held` is closed."""
        try:
            held.enter_context(self._samples.one(tenant_of(upload.blob.key)))
        except (TooManyInspections, TooBusy):
            return False
        return True

    def applies_to(self, upload: Upload) -> bool:
        """Whether the upload has to be checked, and was not found to fit."""
        if AGGREGATION not in upload.blob.metadata or upload.blob.complete or upload.is_part:
            return False
        return self._check_from.get(_key(upload)) != _NEVER


class HeaderWatch:
    """The header check of one request that writes to an upload.

    Call `admit` before the first byte is read, pass the bytes through `pieces`, and call `check`
    when they are stored.
    """

    def __init__(
        self,
        checker: HeaderChecker,
        blobs: Blobs,
        offset: int,
        tolerated: int,
        on_header: Callable[[Upload, int], None],
    ) -> None:
        self._checker = checker
        self._on_header = on_header
        self._blobs = blobs
        self._offset = offset
        self._tolerated = tolerated
        self._upload: Upload | None = None
        self.passed = 0
        """Bytes passed on."""

    @property
    def admitted(self) -> bool:
        """Whether the upload exists, and `admit` did not refuse it."""
        return self._upload is not None

    async def admit(self, upload: Upload) -> None:
        """Raise SpecMismatch if the bytes received before show that the upload does not fit."""
        await self.check(upload)
        self._upload = upload

    async def check(self, upload: Upload) -> None:
        """Raise SpecMismatch if the bytes received show that the upload does not fit."""
        await self._checker.check(self._blobs, upload)
        if upload.blob.prefix >= SAMPLE_SIZE:
            self._on_header(upload, upload.blob.prefix)

    async def pieces(self, data: AsyncGenerator[Piece, None]) -> AsyncGenerator[Piece, None]:
        """Yield `data`, which belongs at the offset, and close it.

        Raises SpecMismatch if its first MiB does not fit, once enough was passed on. Without room
        for these bytes, they are not looked at: `check` does so later.
        """
        held, mismatch = bytearray(), None
        async with aclosing(data), AsyncExitStack() as sample:
            upload = self._upload
            watching = self._offset == 0
            checked = upload is not None and self._checker.applies_to(upload)
            if watching and checked and upload is not None:
                watching = self._checker.holds(upload, sample)
            told = 0
            async for piece in data:
                content = bytes_of(piece) if watching and checked else b""
                yield content or piece
                self.passed += size_of(content or piece)
                if watching and upload is not None:
                    held += content[: SAMPLE_SIZE - len(held)]
                    if self.passed >= SAMPLE_SIZE:
                        mismatch = await self._mismatch(upload, bytes(held)) if checked else None
                        watching, held, told = False, bytearray(), self.passed - AGAIN
                        await sample.aclose()
                if mismatch is not None and self.passed > self._tolerated:
                    raise mismatch
                if upload is not None and self.passed >= told + AGAIN and not watching:
                    told = self.passed
                    if mismatch is None:
                        self._on_header(upload, self._offset + self.passed)

    async def _mismatch(self, upload: Upload, sample: bytes) -> SpecMismatch | None:
        try:
            await self._checker.check_sample(upload, sample)
        except SpecMismatch as error:
            return error
        return None


def _key(upload: Upload) -> tuple[UUID, bytes]:
    """Return the id of an upload and the digest of its spec, which may be long."""
    spec = upload.blob.metadata.get(AGGREGATION, "")
    return upload.id, hashlib.sha256(spec.encode()).digest()


HEADER_CHECKER = web.AppKey("header_checker", HeaderChecker)
