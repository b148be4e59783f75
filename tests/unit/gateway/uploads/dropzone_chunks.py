"""A chunk of a Dropzone upload, and its refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.gateway.forms import FormBody

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway


CSV = 'filename="plays.csv"'
FIELDS = {"dzuuid": "u", "dzchunkbyteoffset": "4", "dzchunksize": "4", "dztotalfilesize": "12"}


def form_with(file_first: bool = False, **changes: str | None) -> FormBody:
    """A chunk in the middle of a file of 12 bytes, with some fields changed or (None) left out."""
    fields = {name: value for name, value in (FIELDS | changes).items() if value is not None}
    file = ("file", b"efgh", CSV)
    return FormBody.of(file, *fields.items()) if file_first else FormBody.of(*fields.items(), file)


async def refused(gateway: Gateway, form: FormBody, status: int = 400) -> str:
    """Return the message with which the form is refused."""
    answer = await gateway.post(form)
    assert (answer[0], answer[1]["status"], list(answer[1])) == (
        status,
        "error",
        ["status", "message"],
    )
    return str(answer[1]["message"])
