"""The statements of keys, audit trail and signing secrets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from shared.database.scripts import load_queries


@dataclass(frozen=True, slots=True)
class AccessQueries:
    """The statements of `access.sql`. A missing or unknown one fails at the start."""

    insert_key: str
    count_keys: str
    remove_ended_key: str
    key_by_id: str
    keys_of_tenant: str
    any_key: str
    revoke_key: str
    rotate_key: str
    key_used: str
    insert_audit: str
    audit_entries: str
    remove_audit: str
    insert_secret: str
    newest_secrets: str
    webhook_secret: str
    rotate_webhook_secret: str

    @classmethod
    @cache
    def load(cls) -> AccessQueries:
        """Read the file. Raises TypeError if a statement is missing or unknown."""
        return cls(**load_queries("access.sql"))
