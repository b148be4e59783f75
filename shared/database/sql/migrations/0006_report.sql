-- What the attempt that ended a job has found and used: `shared.job_report`. NULL for jobs of
-- before. It counts only while `report_attempt` is the job's attempt: a version that does not know
-- these columns leaves them as they are when it claims the job again.
ALTER TABLE jobs ADD COLUMN report_attempt INTEGER;
ALTER TABLE jobs ADD COLUMN report_rows_in BIGINT;
ALTER TABLE jobs ADD COLUMN report_rows_aggregated BIGINT;
ALTER TABLE jobs ADD COLUMN report_rows_filtered BIGINT;
ALTER TABLE jobs ADD COLUMN report_rows_rejected BIGINT;

-- The records that were left out of a result: a blob beside it, if there are any.
ALTER TABLE jobs ADD COLUMN rejects_size BIGINT;
ALTER TABLE jobs ADD COLUMN rejects_sha256 TEXT;
ALTER TABLE jobs ADD COLUMN rejects_key TEXT
    CONSTRAINT jobs_rejects_beside_result CHECK (
        rejects_key IS NULL
        OR (result_key IS NOT NULL AND rejects_size IS NOT NULL AND rejects_sha256 IS NOT NULL)
    );

-- No row of a file is unaccounted for.
ALTER TABLE jobs ADD COLUMN report TEXT
    CONSTRAINT jobs_rows_add_up CHECK (
        report IS NULL
        OR (
            report_attempt IS NOT NULL
            AND report_rows_in IS NOT NULL
            AND report_rows_aggregated IS NOT NULL
            AND report_rows_filtered IS NOT NULL
            AND report_rows_rejected IS NOT NULL
            AND report_rows_aggregated >= 0
            AND report_rows_filtered >= 0
            AND report_rows_rejected >= 0
            AND report_rows_in
                = report_rows_aggregated + report_rows_filtered + report_rows_rejected
        )
    );
