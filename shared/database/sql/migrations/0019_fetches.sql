-- Inputs that are fetched from URLs and object storage. Times are Unix seconds. An older version knows
-- none of this: it neither fetches, nor claims a job that waits for what is fetched, whose `retry_at`
-- is infinity until then.

CREATE TABLE fetches (
    -- The upload that it becomes.
    upload_id TEXT PRIMARY KEY,
    job_id TEXT NOT NULL REFERENCES jobs (id),
    -- Of the input, in the order in which the job reads them.
    position INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    input_key TEXT NOT NULL,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    -- The digest that it has to have, if the client said so.
    sha256 TEXT,
    -- What the tenant may store, when the job was asked for; NULL for any number of bytes.
    max_size BIGINT,
    max_bytes BIGINT,
    created_at DOUBLE PRECISION NOT NULL,
    state TEXT NOT NULL DEFAULT 'PENDING',
    -- How often it was taken: the fencing token of the processor that took it last.
    token INTEGER NOT NULL DEFAULT 0,
    worker TEXT,
    -- When it may be taken next. While a processor holds it, when that counts as dead.
    due_at DOUBLE PRECISION NOT NULL,
    -- How often in succession it has failed without a byte.
    failures INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    -- The file as the server described it when its first bytes came.
    tag TEXT,
    modified TEXT,
    size BIGINT,
    bytes_done BIGINT NOT NULL DEFAULT 0,
    ended_at DOUBLE PRECISION,
    CONSTRAINT fetches_states CHECK (state IN ('PENDING', 'DONE', 'FAILED')),
    CONSTRAINT fetches_ended CHECK ((state = 'PENDING') = (ended_at IS NULL))
);

CREATE INDEX fetches_due ON fetches (due_at, upload_id) WHERE state = 'PENDING';
CREATE INDEX fetches_of_job ON fetches (job_id, position);
