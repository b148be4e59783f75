-- What URLs are told when a job ends (webhooks). Times are Unix seconds. An older version knows none
-- of this: a job that it ends is told to nobody.
ALTER TABLE jobs ADD COLUMN notify TEXT;
ALTER TABLE api_keys ADD COLUMN notify TEXT;

-- One row for each URL and each outcome of a job, written in the transaction of the outcome.
CREATE TABLE notifications (
    -- The `webhook-id`, the same each time that it is sent.
    id TEXT PRIMARY KEY,
    job_id TEXT NOT NULL,
    tenant TEXT NOT NULL,
    url TEXT NOT NULL,
    -- `job.succeeded`, `job.failed` or `job.cancelled`.
    type TEXT NOT NULL,
    -- When the job ended.
    created_at DOUBLE PRECISION NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    -- How often it was taken to be sent: the fencing token of who took it last.
    attempts INTEGER NOT NULL DEFAULT 0,
    -- How often that has failed since the outcome, or since an operator's retry.
    failures INTEGER NOT NULL DEFAULT 0,
    -- When it may be taken next. While it is being sent, when it counts as not sent.
    due_at DOUBLE PRECISION NOT NULL,
    -- When it was delivered or given up.
    ended_at DOUBLE PRECISION,
    -- Of the last attempt: the status of the answer, if there was one, and what went wrong.
    status INTEGER,
    error TEXT,
    CONSTRAINT notifications_states CHECK (state IN ('pending', 'delivered', 'failed')),
    CONSTRAINT notifications_ended CHECK ((state = 'pending') = (ended_at IS NULL))
);

CREATE INDEX notifications_due ON notifications (due_at, id) WHERE state = 'pending';
CREATE INDEX notifications_waiting ON notifications (created_at) WHERE state = 'pending';
CREATE INDEX notifications_failed ON notifications (created_at, id) WHERE state = 'failed';
CREATE INDEX notifications_of_tenant ON notifications (tenant, created_at, id);
CREATE INDEX notifications_of_job ON notifications (job_id);
CREATE INDEX notifications_to_remove ON notifications (ended_at, id) WHERE state <> 'pending';

-- With what the notifications of a tenant are signed.
CREATE TABLE webhook_secrets (
    tenant TEXT PRIMARY KEY,
    secret TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    -- The secret before, and until when it signs too.
    previous_secret TEXT,
    previous_until DOUBLE PRECISION,
    CONSTRAINT webhook_secrets_previous CHECK ((previous_secret IS NULL) = (previous_until IS NULL))
);
