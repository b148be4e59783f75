-- Datasets: uploads of which jobs are asked, and the uploads that these jobs read. Times are Unix
-- seconds. An older version knows none of this: its sweeper may remove the inputs of such jobs, which
-- then fail, and it makes jobs of uploads that are to have none. So ask for nothing before all
-- services know these tables.

-- What a job reads that was asked for, as JSON; NULL for the job of an upload, whose row has its only
-- input. The `upload_id` of a job that was asked for is its own id: it is the job of no upload. If it
-- reads several uploads, its `input_key` is that of no blob: an older processor, which would read
-- only one of them, fails.
ALTER TABLE jobs ADD COLUMN inputs TEXT;
-- The SHA-256 of the request that asked for the job.
ALTER TABLE jobs ADD COLUMN request_digest TEXT;
-- 1: it is not answered from what other jobs have computed.
ALTER TABLE jobs ADD COLUMN uncached INTEGER;
-- The job whose result this one has got.
ALTER TABLE jobs ADD COLUMN cached_from TEXT;
-- The digest of inputs, aggregation and kernel: jobs with the same one have the same result.
ALTER TABLE jobs ADD COLUMN answer_key TEXT;

CREATE INDEX jobs_answers ON jobs (tenant, answer_key, finished_at)
    WHERE answer_key IS NOT NULL
      AND state = 'SUCCESS' AND expired_at IS NULL AND result_deleted_at IS NULL;

-- What lists of uploads read, and what does not count towards a quota: the uploads of such jobs count.
CREATE INDEX jobs_with_kept_uploads ON jobs (tenant, created_at, upload_id)
    WHERE expired_at IS NULL AND state <> 'REVOKED';
CREATE INDEX jobs_asked_bytes ON jobs (tenant, input_size)
    WHERE upload_id = id AND expired_at IS NULL AND state <> 'REVOKED';

CREATE TABLE job_inputs (
    job_id TEXT NOT NULL REFERENCES jobs (id),
    position INTEGER NOT NULL,
    upload_id TEXT NOT NULL,
    PRIMARY KEY (job_id, position)
);

CREATE INDEX job_inputs_of_upload ON job_inputs (upload_id, job_id);

-- Complete uploads that were asked, or are kept, or have no job. Of all others, their job tells
-- everything. The row is also what a request that asks and one that deletes lock.
CREATE TABLE datasets (
    upload_id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    input_key TEXT NOT NULL,
    size BIGINT NOT NULL,
    version TEXT,
    sha256 TEXT,
    created_at DOUBLE PRECISION NOT NULL,
    -- NULL: no longer than jobs need it; infinity: until it is deleted.
    keep_until DOUBLE PRECISION,
    asked_at DOUBLE PRECISION,
    -- When a client began to delete it: from then on no job can be asked of it.
    removed_at DOUBLE PRECISION
);

CREATE INDEX datasets_of_tenant ON datasets (tenant, created_at, upload_id);
CREATE INDEX datasets_of_tenant_and_name ON datasets (tenant, name, created_at, upload_id);
