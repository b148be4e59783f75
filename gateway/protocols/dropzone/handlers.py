"""`POST /api/upload_file`: one chunk of an upload, or a small file whole, as Dropzone sends it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from aiohttp import web

from gateway.events import EVENTS
from gateway.http.forms import Form
from gateway.http.spool import open_spool
from gateway.keys import SETTINGS
from gateway.protocols.dropzone.fields import FIELDS, FILE, SPEC, FieldReader, csv_filename
from gateway.uploads.filenames import is_csv
from gateway.uploads.upload import upload_id_of
from gateway.uploads.uploads import Uploads
from shared.aggregation.json_reader import MAX_LENGTH, parse_aggregation
from shared.errors import BlobConflict, ChunkOutOfBounds, InvalidInput
from shared.uploads.metadata import metadata_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from uuid import UUID

    from gateway.http.forms import Part
    from gateway.protocols.dropzone.fields import ChunkFields
    from shared.aggregation.spec import Aggregation
    from shared.blobs.blob import BlobInfo


async def upload_file(request: web.Request) -> web.Response:
    """Store the chunk; once every byte of the upload is there, start its job and name it."""
    settings = request.app[SETTINGS]
    events = request.app[EVENTS]
    uploads = Uploads.of(request.app)
    form = Form(request, client_timeout=settings.client_timeout)
    chunk = _ChunkRequest(form)
    file = await chunk.read_to_file()
    if chunk.fields.filename:
        chunk.filename(file)  # refused before the bytes are taken
    if chunk.place_is_known(file):
        upload_id, blob = await _stream(chunk, file, uploads)
    else:
        upload_id, blob = await _spool(chunk, file, uploads)
    events.chunk_taken(file.size)
    if not blob.complete:
        return web.json_response({"message": "Chunk file uploaded successfully"})
    job = await uploads.start_job(upload_id, blob, chunk.filename(file))
    return web.json_response({"message": "File uploaded successfully", "job_id": str(job.id)})


class _ChunkRequest:
    """A form in the order in which it arrives: some fields, the file, the other fields."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self.fields = FieldReader()
        self.aggregation: Aggregation | None = None

    async def read_to_file(self) -> Part:
        """Take the fields before the file. Raises InvalidInput if there is no file."""
        async for part in self._form:
            if part.name == FILE:
                return part
            await self._take(part)
        raise InvalidInput(f"the form has no part named {FILE}; send the chunk in it", field=FILE)

    async def read_to_end(self) -> None:
        """Take the fields after the file. Raises InvalidInput if the form is not whole."""
        async for part in self._form:
            if part.name == FILE:
                raise InvalidInput(f"the form has two parts named {FILE}; send one", field=FILE)
            await self._take(part)

    def place_is_known(self, file: Part) -> bool:
        """Whether the file's bytes can go to their place before the rest of the form is read."""
        if not self.fields.complete:
            return False
        if not self.fields.filename and not is_csv(file.filename or ""):
            return False  # dzfilename may follow
        return not self.fields.read().place_depends_on_length

    def filename(self, file: Part) -> str:
        """The name of the uploaded file, as far as the form has been read."""
        return csv_filename(self.fields.filename, file.filename)

    async def _take(self, part: Part) -> None:
        if part.name == SPEC:
            self._take_spec(await part.text(MAX_LENGTH))
        elif part.name in FIELDS:
            self.fields.add(part.name, await part.text())
        else:
            await part.skip()

    def _take_spec(self, text: str) -> None:
        if not text.strip():
            return
        aggregation = parse_aggregation(text, SPEC)
        if self.aggregation not in (None, aggregation):
            raise InvalidInput("field spec is given twice; send it once", field=SPEC)
        self.aggregation = aggregation


async def _stream(chunk: _ChunkRequest, file: Part, uploads: Uploads) -> tuple[UUID, BlobInfo]:
    """Pass the file's bytes on to their place as they arrive."""

    aggregation = chunk.aggregation

    async def data() -> AsyncGenerator[bytes, None]:
        async for piece in file.pieces():
            yield piece
        # Storage records the chunk only when this ends: a form that turns out to be cut off, or
        # to contradict itself, changes nothing.
        await chunk.read_to_end()
        chunk.fields.read()
        chunk.filename(file)
        if chunk.aggregation != aggregation:
            raise InvalidInput("field spec comes after the file; send it before", field=SPEC)

    fields = chunk.fields.read()
    metadata = {"filename": chunk.filename(file), **metadata_of(aggregation)}
    return await _write(uploads, fields, metadata, fields.offset, data())


async def _spool(chunk: _ChunkRequest, file: Part, uploads: Uploads) -> tuple[UUID, BlobInfo]:
    """Keep the file's bytes on disk until the whole form and their number tell their place."""
    total = chunk.fields.read().total if chunk.fields.complete else None

    async def data() -> AsyncGenerator[bytes, None]:
        size = 0
        async for piece in file.pieces():
            size += len(piece)
            uploads.check_size(size)
            if total is not None and size > total:
                raise ChunkOutOfBounds(f"the chunk is longer than dztotalfilesize {total}")
            yield piece

    async with open_spool(uploads.settings.spool_dir) as spool:
        await spool.append(data())
        await chunk.read_to_end()
        metadata = {"filename": chunk.filename(file), **metadata_of(chunk.aggregation)}
        if chunk.fields.any:
            fields = chunk.fields.read()
            return await _write(uploads, fields, metadata, fields.place(spool.size), spool.pieces())
        upload_id = uuid4()
        return upload_id, await uploads.write(upload_id, spool.size, 0, spool.pieces(), metadata)


async def _write(
    uploads: Uploads,
    fields: ChunkFields,
    metadata: dict[str, str],
    offset: int,
    data: AsyncGenerator[bytes, None],
) -> tuple[UUID, BlobInfo]:
    upload_id = upload_id_of(fields.dzuuid)
    metadata = {**metadata, "dzuuid": fields.dzuuid}
    try:
        return upload_id, await uploads.write(upload_id, fields.total, offset, data, metadata)
    except BlobConflict as error:
        raise InvalidInput(
            f"dztotalfilesize {fields.total} is not what other chunks of this upload said; "
            "send the same with each chunk, or another file under another dzuuid",
            field="dztotalfilesize",
        ) from error
    except ChunkOutOfBounds as error:
        raise ChunkOutOfBounds(
            f"the chunk at dzchunkbyteoffset {fields.offset} reaches beyond "
            f"dztotalfilesize {fields.total}"
        ) from error
