-- Jobs and their attempts. Times are Unix seconds, ids are UUIDs in text form.
-- The constraints repeat what shared/jobs/store.py promises: a defect there fails loudly here.

CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    upload_id TEXT NOT NULL UNIQUE,
    input_key TEXT NOT NULL,
    input_size BIGINT NOT NULL,
    filename TEXT NOT NULL,
    aggregation TEXT NOT NULL,
    state TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    published_at DOUBLE PRECISION,
    lease_until DOUBLE PRECISION,
    worker TEXT,
    finished_at DOUBLE PRECISION,
    reason TEXT,
    result_key TEXT,
    result_size BIGINT,
    result_sha256 TEXT,
    result_rows_in BIGINT,
    result_rows_out BIGINT,
    CONSTRAINT jobs_state_is_known
        CHECK (state IN ('PENDING', 'STARTED', 'RETRY', 'SUCCESS', 'FAILURE', 'REVOKED')),
    CONSTRAINT jobs_leased_while_started
        CHECK ((state = 'STARTED') = (lease_until IS NOT NULL)),
    CONSTRAINT jobs_finished_when_terminal
        CHECK ((state IN ('SUCCESS', 'FAILURE', 'REVOKED')) = (finished_at IS NOT NULL)),
    CONSTRAINT jobs_result_on_success
        CHECK ((state = 'SUCCESS') = (result_key IS NOT NULL)),
    CONSTRAINT jobs_failures_are_bounded
        CHECK (failures >= 0 AND failures <= max_attempts AND failures <= attempt)
);

-- What the relay reads (`overdue`): the few jobs that are not finished, oldest first.
CREATE INDEX jobs_unfinished ON jobs (created_at, id)
    WHERE state IN ('PENDING', 'RETRY', 'STARTED');

CREATE TABLE attempts (
    job_id TEXT NOT NULL REFERENCES jobs (id),
    number INTEGER NOT NULL,
    worker TEXT NOT NULL,
    started_at DOUBLE PRECISION NOT NULL,
    ended_at DOUBLE PRECISION,
    outcome TEXT,
    reason TEXT,
    PRIMARY KEY (job_id, number),
    CONSTRAINT attempts_outcome_is_known
        CHECK (outcome IN ('success', 'failure', 'released', 'lost', 'revoked')),
    CONSTRAINT attempts_outcome_when_ended
        CHECK ((outcome IS NULL) = (ended_at IS NULL))
);

-- A job has one running attempt at the most.
CREATE UNIQUE INDEX attempts_running ON attempts (job_id) WHERE ended_at IS NULL;
