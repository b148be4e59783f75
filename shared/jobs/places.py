"""The table of the places of blobs. Its statements are compare-and-sets with an epoch."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from shared.blobs.blob import BlobKey
from shared.blobs.codecs import decode_declaration
from shared.blobs.servers.place import Place
from shared.database.scripts import load_queries

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from shared.blobs.blob import Declaration
    from shared.database.port import Database, Row

BATCH = 100
"""Places per query."""


@dataclass(frozen=True, slots=True)
class PlaceQueries:
    """The statements of `places.sql`. A missing or unknown one fails at the start."""

    find: str
    put: str
    move: str
    settle: str
    declare_size: str
    remove: str
    remove_at: str
    bury: str
    oldest: str
    forget: str


_SQL = PlaceQueries(**load_queries("places.sql"))


class SqlPlaces:
    """`Places` (see `shared.blobs.servers.place`) on a migrated database.

    An epoch is the time in microseconds, or one more than the epoch before if that is higher. So a
    blob that is deleted and created again has a higher one too, unless clocks were set back.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, key: BlobKey) -> Place | None:
        """See `Places`."""
        rows = await self._database.read(_SQL.find, key)
        return _place_of(rows[0]) if rows else None

    async def put(self, key: BlobKey, server: str, declaration: Declaration) -> Place:
        """See `Places`."""
        now = time.time()
        found = None
        while found is None:
            rows = await self._database.write(
                _SQL.put, key, server, _epoch_at(now), _declared(declaration), now
            )
            # It may be removed between the two statements.
            found = _place_of(rows[0]) if rows else await self.find(key)
        return found

    async def move(self, place: Place, server: str) -> Place | None:
        """See `Places`."""
        now = time.time()
        rows = await self._database.write(
            _SQL.move, place.key, place.epoch, server, _epoch_at(now), now
        )
        return _place_of(rows[0]) if rows else await self.find(place.key)

    async def settle(self, place: Place) -> None:
        """See `Places`."""
        await self._database.write(_SQL.settle, place.key, place.epoch, idempotent=True)

    async def declare_size(self, place: Place, size: int) -> None:
        """See `Places`."""
        declared = _declared(replace(place.declaration, size=size))
        await self._database.write(
            _SQL.declare_size, place.key, place.epoch, declared, idempotent=True
        )

    async def remove(self, key: BlobKey, epoch: int | None = None) -> Place | None:
        """See `Places`."""
        if epoch is None:
            rows = await self._database.write(_SQL.remove, key)
        else:
            rows = await self._database.write(_SQL.remove_at, key, epoch)
        return _place_of(rows[0]) if rows else None

    async def bury(self, key: BlobKey) -> None:
        """See `Places`."""
        now = time.time()
        await self._database.write(_SQL.bury, key, _epoch_at(now), now)

    async def all(self) -> AsyncGenerator[Place, None]:
        """See `Places`."""
        rows = await self._database.read(_SQL.oldest, 0.0, "", BATCH)
        while rows:
            for row in rows:
                yield _place_of(row)
            last = rows[-1]
            rows = await self._database.read(_SQL.oldest, last["changed_at"], last["key"], BATCH)

    async def forget(self, *, before: float) -> None:
        """See `Places`."""
        await self._database.write(_SQL.forget, before, idempotent=True)


def _epoch_at(now: float) -> int:
    return int(now * 1e6)


def _declared(declaration: Declaration) -> str:
    return json.dumps(asdict(declaration))


def _place_of(row: Row) -> Place:
    declared = json.loads(row["declared"])
    return Place(
        BlobKey(row["key"]),
        row["server"],
        row["epoch"],
        bool(row["settled"]),
        bool(row["moved"]),
        decode_declaration(declared),
    )
