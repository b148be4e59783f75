-- Results that are sent to object storage once their job has succeeded. Times are Unix seconds. An older
-- version knows none of this: it stores the result of such a job, and sends it nowhere.

ALTER TABLE jobs ADD COLUMN output_to TEXT;
-- PENDING, DELIVERED or FAILED, and why it failed last.
ALTER TABLE jobs ADD COLUMN output_state TEXT;
ALTER TABLE jobs ADD COLUMN output_reason TEXT;

-- Written in the transaction in which the job succeeds.
CREATE TABLE deliveries (
    job_id TEXT PRIMARY KEY REFERENCES jobs (id),
    tenant TEXT NOT NULL,
    url TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    state TEXT NOT NULL DEFAULT 'PENDING',
    -- How often it was taken: the fencing token of the processor that took it last.
    token INTEGER NOT NULL DEFAULT 0,
    -- When it may be taken next. While a processor holds it, when that counts as dead.
    due_at DOUBLE PRECISION NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    ended_at DOUBLE PRECISION,
    CONSTRAINT deliveries_states CHECK (state IN ('PENDING', 'DELIVERED', 'FAILED')),
    CONSTRAINT deliveries_ended CHECK ((state = 'PENDING') = (ended_at IS NULL))
);

CREATE INDEX deliveries_due ON deliveries (due_at, job_id) WHERE state = 'PENDING';
