"""Places elsewhere that clients may name: URLs and objects, as far as settings allow them.

By default none is allowed. An entry of the list is the name of a host, `*.` and a name for all
names below it, or a bucket with the start of keys: `s3://bucket/shared/`. In that, `{tenant}`
stands for the tenant that asks: so each tenant has a part of the bucket of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated
from urllib.parse import unquote

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from shared.errors import AddressRefused
from shared.http.outgoing import MAX_URL
from shared.http.outgoing_settings import OutgoingSettings

if TYPE_CHECKING:
    from shared.access.tenant import Tenant
    from shared.http.outgoing import OutgoingPolicy

S3 = "s3://"
TENANT = "{tenant}"
MAX_KEY = 1024
"""Bytes of the longest key of an object."""
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """An object in a bucket."""

    bucket: str
    key: str

    def __str__(self) -> str:
        """Return the URL of the object."""
        return f"{S3}{self.bucket}/{self.key}"


class ElsewhereSettings(OutgoingSettings):
    """Where inputs may come from, and where results may go to."""

    fetch_hosts: Annotated[tuple[str, ...], NoDecode] = Field(default=())
    """Where jobs may fetch inputs from, separated by commas: `data.example.com`, `*.example.com`,
    `s3://bucket`, `s3://bucket/{tenant}/`. By default nowhere."""

    deliver_to: Annotated[tuple[str, ...], NoDecode] = Field(default=())
    """Where jobs may send results to, separated by commas: `s3://bucket/results/{tenant}/`. By
    default nowhere."""

    @field_validator("fetch_hosts", "deliver_to", mode="before")
    @classmethod
    def _split_places(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("fetch_hosts")
    @classmethod
    def _check_sources(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(_entry, value))

    @field_validator("deliver_to")
    @classmethod
    def _check_targets(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            if not each.startswith(S3):
                raise ValueError(f"{each!r} is not a bucket: write {S3}bucket")
        return tuple(map(_entry, value))

    def fetch_policy(self) -> OutgoingPolicy:
        """Return which http and https URLs inputs may come from."""
        return self.outgoing_policy(
            tuple(each for each in self.fetch_hosts if not each.startswith(S3))
        )


def check_source(
    settings: ElsewhereSettings, url: str, tenant: Tenant, *, field: str | None = None
) -> str:
    """Return the URL of an input, if jobs of a tenant may fetch it. Raises AddressRefused."""
    if not settings.fetch_hosts:
        raise AddressRefused(
            "this service fetches no inputs: send the file, or let its operator allow the host in "
            "CSVMILL_FETCH_HOSTS",
            field=field,
        )
    if not url.startswith(S3):
        return str(settings.fetch_policy().check(url, field=field))
    place = read_place(url, field=field)
    if not _is_below(place, settings.fetch_hosts, tenant):
        raise AddressRefused(
            f"inputs may not come from this bucket and key: {place} (CSVMILL_FETCH_HOSTS)",
            field=field,
        )
    return str(place)


def check_target(
    settings: ElsewhereSettings, url: str, tenant: Tenant, *, field: str | None = None
) -> str:
    """Return the URL of a result, if jobs of a tenant may send it there. Raises AddressRefused."""
    if not settings.deliver_to:
        raise AddressRefused(
            "this service sends no results elsewhere: download the result, or let its operator "
            "allow the bucket in CSVMILL_DELIVER_TO",
            field=field,
        )
    place = read_place(url, field=field)
    if not _is_below(place, settings.deliver_to, tenant):
        raise AddressRefused(
            f"results may not go to this bucket and key: {place} (CSVMILL_DELIVER_TO)",
            field=field,
        )
    return str(place)


def read_place(url: str, *, field: str | None = None) -> Place:
    """Return the object that an `s3://` URL names. Raises AddressRefused."""
    if not url.startswith(S3) or len(url) > MAX_URL:
        raise AddressRefused(f"this is not the URL of an object: send {S3}bucket/key", field=field)
    bucket, _, key = url.removeprefix(S3).partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise AddressRefused(f"this is not a bucket: {bucket[:100]!r}", field=field)
    segments = key.split("/")
    if not key or len(key.encode()) > MAX_KEY or not key.isprintable():
        raise AddressRefused(f"this is not an object key: {key[:100]!r}", field=field)
    # Some servers would take them for steps out of the folder that is allowed.
    if any(segment in ("", ".", "..") for segment in segments):
        raise AddressRefused("a key must not have empty, `.` or `..` segments", field=field)
    return Place(bucket, key)


def shown_url(url: str) -> str:
    """Return a URL without its query, which may be a secret."""
    path, question, _ = url.partition("?")
    return path + ("?…" if question else "")


def name_of(url: str) -> str:
    """Return the name of the file at a URL."""
    path = url if url.startswith(S3) else shown_url(url).removesuffix("?…")
    last = path.rstrip("/").rpartition("/")[2]
    name = last if url.startswith(S3) else unquote(last)
    printable = "".join(c for c in name if c.isprintable() and c not in "/\\")
    return printable[:255] or "input"


def _is_below(place: Place, entries: tuple[str, ...], tenant: Tenant) -> bool:
    for entry in entries:
        bucket, _, start = entry.removeprefix(S3).partition("/")
        if entry.startswith(S3) and bucket == place.bucket:
            start = start.replace(TENANT, tenant)
            if place.key.startswith(start) and place.key != start:
                return True
    return False


def _entry(text: str) -> str:
    if text.startswith(S3):
        bucket, _, start = text.removeprefix(S3).partition("/")
        # `shared` would allow `shared-by-others/file` too.
        if not _BUCKET.fullmatch(bucket) or (start and not start.endswith("/")):
            raise ValueError(
                f"{text!r} is not a bucket with a key prefix: write {S3}bucket, or "
                f"{S3}bucket/folder/ with a slash at its end"
            )
        return text
    name = text.lower()
    if not _HOST.fullmatch(name):
        raise ValueError(
            f"{text!r} is neither the name of a host nor a bucket: write a.host or {S3}bucket"
        )
    return name
