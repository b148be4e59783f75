-- Uploads that processors may aggregate while they are received. A row is a hint: if it is lost, the
-- job reads the file after the upload. Times are Unix seconds.
CREATE TABLE head_starts (
    upload_id TEXT PRIMARY KEY,
    offered_at DOUBLE PRECISION NOT NULL,
    -- How often it was taken: the fencing token of the processor that took it last.
    token INTEGER NOT NULL,
    worker TEXT,
    -- Until when the worker holds it, if it does not renew that.
    held_until DOUBLE PRECISION,
    -- Since when it is not to be taken any more, and why.
    ended_at DOUBLE PRECISION,
    reason TEXT,
    bytes_done BIGINT,
    rows_done BIGINT,
    rows_estimated INTEGER,
    rows_rejected BIGINT,
    first_problem TEXT,
    CONSTRAINT head_starts_held_by_worker CHECK (held_until IS NULL OR worker IS NOT NULL),
    CONSTRAINT head_starts_not_held_when_ended CHECK (ended_at IS NULL OR held_until IS NULL)
);

CREATE INDEX head_starts_offered ON head_starts (offered_at, upload_id) WHERE ended_at IS NULL;
