"""The statements of the job store."""

from __future__ import annotations

from dataclasses import dataclass

from shared.database.scripts import load_queries


@dataclass(frozen=True, slots=True)
class JobQueries:
    """The statements of `queries.sql`. A missing or unknown one fails at the start."""

    insert_job: str
    insert_asked: str
    insert_inputs: str
    answered: str
    job_by_id: str
    job_by_upload: str
    mark_published: str
    claim: str
    fail_lost: str
    heartbeat: str
    record_progress: str
    succeed: str
    fail: str
    release: str
    cancel: str
    retry: str
    overdue: str
    take_dead_letter: str
    mark_dead_lettered: str
    unfinished: str
    expire: str
    expire_failed: str
    expire_ended: str
    delete_result: str
    jobs_by_ids: str
    jobs_by_uploads: str
    newest: str
    newest_of_name: str
    newest_names: str
    attempts_of_many: str
    insert_attempt: str
    end_attempt: str
    attempts_of: str

    @classmethod
    def load(cls) -> JobQueries:
        """Read the file. Raises TypeError if a statement is missing or unknown."""
        return cls(**load_queries())
