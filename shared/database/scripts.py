"""Reads the `.sql` files of this package."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from dataclasses import dataclass
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
AFTER = "_after"
"""The suffix of the name of a migration that removes or narrows something.

It is applied *after* the last process of an older version has ended, which could not work with it.
All other migrations only add, and are applied *before*, while older versions still run.
"""

_MIGRATION = re.compile(r"(\d{4})_\w+\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    version: int
    """Migrations are applied in this order. The numbers may have gaps."""
    name: str
    statements: tuple[str, ...]
    checksum: str
    """SHA-256 of the file, lower-case hex."""


def load_queries(file: str = "queries.sql") -> dict[str, str]:
    """Return the statements of a file in `sql/` by their `-- name:` comments."""
    text = files(__package__).joinpath("sql", file).read_text(encoding="utf-8")
    _, *parts = _NAME.split(text)
    names, bodies = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"a name is used twice in {file}: {sorted(names)}")
    return {name: _only_statement(name, body) for name, body in zip(names, bodies, strict=True)}


def load_migrations() -> tuple[Migration, ...]:
    """Return the migrations of `sql/migrations/` in order.

    Raises ValueError if two have the same number, as their order is undefined.
    """
    folder = files(__package__).joinpath("sql/migrations")
    scripts = {
        entry.name: entry.read_bytes()
        for entry in folder.iterdir()
        if _MIGRATION.fullmatch(entry.name)
    }
    migrations = tuple(
        Migration(
            version=int(name[:4]),
            name=name.removesuffix(".sql"),
            statements=split_statements(script.decode()),
            checksum=hashlib.sha256(script).hexdigest(),
        )
        for name, script in sorted(scripts.items())
    )
    numbers = [migration.version for migration in migrations]
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"two migrations have the same number: {numbers}")
    return migrations


def split_statements(script: str) -> tuple[str, ...]:
    """Split a script into statements, each of which ends with a `;` at the end of a line."""
    statements: list[str] = []
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if line.rstrip().endswith(";") and sqlite3.complete_statement(pending):
            statements.append(pending.strip())
            pending = ""
    if any(line.strip() and not line.lstrip().startswith("--") for line in pending.splitlines()):
        raise ValueError(f"the last statement does not end in ';': {pending.strip()!r}")
    return tuple(statements)


def _only_statement(name: str, body: str) -> str:
    statements = split_statements(body)
    if len(statements) != 1:
        raise ValueError(f"query {name} consists of {len(statements)} statements, not of one")
    return statements[0]
