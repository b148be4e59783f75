"""`POST /api/upload_file`: one chunk of an upload, or a small file whole, as Dropzone sends it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from aiohttp import web

from gateway.http.forms import Form
from gateway.http.spool import open_spool
from gateway.protocols.common.chunk_fields import NUMBER_LIMIT, ChunkFields
from gateway.protocols.common.foreign import refuse_part_of_file
from gateway.protocols.dropzone.fields import FIELDS, FILE, SPEC, FieldReader, csv_filename
from gateway.uploads.complete import with_its_own_job, with_job
from gateway.uploads.context import UploadContext
from gateway.uploads.filenames import is_csv
from gateway.uploads.size import check_size
from gateway.uploads.write import write_declared
from shared.aggregation.json_reader import MAX_LENGTH, parse_aggregation
from shared.blobs.blob import Declaration
from shared.errors import BlobConflict, ChunkOutOfBounds, InvalidInput
from shared.uploads.metadata import FILENAME, metadata_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from gateway.http.forms import Part
    from gateway.protocols.dropzone.fields import DropzoneFields
    from gateway.uploads.upload import Upload
    from shared.aggregation.spec import Aggregation


async def upload_file(request: web.Request) -> web.Response:
    """Store a chunk; if it completes the upload, start its job and return the job's id."""
    context = UploadContext.of(request)
    settings = context.settings
    form = Form(request, client_timeout=settings.client_timeout, least=settings.upload_rate)
    chunk = _ChunkRequest(request, form)
    file = await chunk.read_to_file()
    if chunk.fields.filename:
        chunk.filename(file)  # refused before the bytes are received
    store = _stream if chunk.offset_is_known(file) else _spool
    upload = await store(chunk, file, context)
    if not upload.blob.complete:
        return web.json_response({"message": "Chunk file uploaded successfully"})
    upload = await with_job(
        context, upload.id, upload.blob, marked=True, filename=chunk.filename(file)
    )
    upload = with_its_own_job(upload)
    job_id = None if upload.job is None else str(upload.job.id)
    return web.json_response({"message": "File uploaded successfully", "job_id": job_id})


class _ChunkRequest:
    """A form in the order of its parts: some fields, the file, the other fields."""

    def __init__(self, request: web.Request, form: Form) -> None:
        self._request = request
        self._form = form
        self.fields = FieldReader()
        self.foreign = ChunkFields()
        self.aggregation: Aggregation | None = None

    async def read_to_file(self) -> Part:
        """Read the fields before the file. Raises InvalidInput if there is no file."""
        async for part in self._form:
            if part.name == FILE:
                return part
            await self._add(part)
        raise InvalidInput(f"the form has no part named {FILE}; send the chunk in it", field=FILE)

    async def read_to_end(self) -> None:
        """Read the fields after the file. Raises InvalidInput if the form is cut off."""
        async for part in self._form:
            if part.name == FILE:
                raise InvalidInput(f"the form has two parts named {FILE}; send one", field=FILE)
            await self._add(part)

    def offset_is_known(self, file: Part) -> bool:
        """Whether the bytes can be written before the rest of the form is read."""
        if not self.fields.complete:
            return False
        if not self.fields.filename and not is_csv(file.filename or ""):
            return False  # dzfilename may follow
        return not self.fields.read().offset_depends_on_length

    def refuse_part_of_file(self) -> None:
        """Raise InvalidInput if the file is a chunk for a client that is not Dropzone."""
        refuse_part_of_file(self._request)
        self.foreign.refuse_part_of_file()

    def filename(self, file: Part) -> str:
        """Return the name of the file, by the parts that have been read."""
        return csv_filename(self.fields.filename, file.filename)

    async def _add(self, part: Part) -> None:
        if part.name == SPEC:
            self._add_spec(await part.text(MAX_LENGTH))
        elif part.name in FIELDS:
            self.fields.add(part.name, await part.text())
        elif part.name is not None and ChunkFields.may_have(part.name):
            self.foreign.add(part.name, await part.short_text(NUMBER_LIMIT))
        else:
            await part.skip()

    def _add_spec(self, text: str) -> None:
        if not text.strip():
            return
        aggregation = parse_aggregation(text, SPEC)
        if self.aggregation not in (None, aggregation):
            raise InvalidInput("field spec is given twice; send it once", field=SPEC)
        self.aggregation = aggregation


async def _stream(chunk: _ChunkRequest, file: Part, context: UploadContext) -> Upload:
    """Write the bytes as they arrive."""
    aggregation = chunk.aggregation

    async def data() -> AsyncGenerator[bytes, None]:
        async for piece in file.pieces():
            yield piece
        # Storage records the chunk only when this ends: a form that is cut off, or contradicts
        # itself, changes nothing.
        await chunk.read_to_end()
        chunk.fields.read()
        chunk.filename(file)
        if chunk.aggregation != aggregation:
            raise InvalidInput("field spec comes after the file; send it before", field=SPEC)

    fields = chunk.fields.read()
    metadata = {FILENAME: chunk.filename(file), **metadata_of(aggregation)}
    return await _write(context, fields, metadata, fields.offset, data())


async def _spool(chunk: _ChunkRequest, file: Part, context: UploadContext) -> Upload:
    """Keep the bytes in a temporary file until the whole form, and their number, is known."""
    total = chunk.fields.read().total if chunk.fields.complete else None

    async def data() -> AsyncGenerator[bytes, None]:
        size = 0
        async for piece in file.pieces():
            size += len(piece)
            check_size(context.settings, size, field="dztotalfilesize")
            if total is not None and size > total:
                raise ChunkOutOfBounds(f"the chunk is longer than dztotalfilesize {total}")
            yield piece

    async with open_spool(context.settings.spool_dir) as spool:
        await spool.append(data())
        await chunk.read_to_end()
        metadata = {FILENAME: chunk.filename(file), **metadata_of(chunk.aggregation)}
        if chunk.fields.any:
            fields = chunk.fields.read()
            offset = fields.offset_of(spool.size)
            return await _write(context, fields, metadata, offset, spool.pieces())
        chunk.refuse_part_of_file()
        declaration = Declaration(spool.size, metadata=metadata)
        return await write_declared(context, uuid4(), 0, spool.pieces(), declaration)


async def _write(
    context: UploadContext,
    fields: DropzoneFields,
    metadata: dict[str, str],
    offset: int,
    data: AsyncGenerator[bytes, None],
) -> Upload:
    upload_id = context.id_of(fields.dzuuid)
    declaration = Declaration(fields.total, metadata={**metadata, "dzuuid": fields.dzuuid})
    try:
        return await write_declared(context, upload_id, offset, data, declaration)
    except BlobConflict as error:
        raise InvalidInput(
            f"dztotalfilesize is {fields.total}, and another chunk declared another one; "
            "send the same with every chunk, or another file under another dzuuid",
            field="dztotalfilesize",
        ) from error
    except ChunkOutOfBounds as error:
        raise ChunkOutOfBounds(
            f"the chunk at dzchunkbyteoffset {fields.offset} reaches beyond "
            f"dztotalfilesize {fields.total}"
        ) from error
