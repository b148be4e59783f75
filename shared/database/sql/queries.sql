-- The statements of `SqlJobs` and its subclasses (shared/jobs), for PostgreSQL and SQLite. Parameters
-- are `$1`, times are parameters. Each transition is one compare-and-set; RETURNING yields a row if
-- it took place. Each `-- name:` is a field of `JobQueries`.

-- name: insert_job
INSERT INTO jobs (
    id, upload_id, input_key, input_size, filename, aggregation, max_attempts, created_at,
    tenant, small, input_version, input_sha256, notify, spec_name, engine, state, attempt,
    failures
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 'PENDING', 0, 0)
ON CONFLICT (upload_id) DO NOTHING
RETURNING *;

-- name: insert_asked
-- A job that was asked for: its own id takes the place of an upload's.
INSERT INTO jobs (
    id, upload_id, input_key, input_size, filename, aggregation, max_attempts, created_at,
    tenant, small, inputs, request_digest, uncached, notify, spec_name, engine, state, attempt,
    failures
)
VALUES ($1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 'PENDING', 0, 0)
ON CONFLICT (id) DO NOTHING
RETURNING *;

-- name: insert_inputs
-- $2: ids of uploads, each of 36 characters, concatenated in the order in which the job reads them.
WITH RECURSIVE read (position, upload_id, rest) AS (
    SELECT 0, substr(CAST($2 AS TEXT), 1, 36), substr(CAST($2 AS TEXT), 37)
    UNION ALL
    SELECT position + 1, substr(rest, 1, 36), substr(rest, 37) FROM read WHERE rest <> ''
)
INSERT INTO job_inputs (job_id, position, upload_id)
SELECT CAST($1 AS TEXT), position, upload_id FROM read
RETURNING position;

-- name: answered
-- The latest job of the tenant $1 that has computed what $2 stands for, and whose result is kept.
SELECT * FROM jobs
WHERE tenant = $1 AND answer_key = $2
  AND state = 'SUCCESS' AND expired_at IS NULL AND result_deleted_at IS NULL
ORDER BY finished_at DESC
LIMIT 1;

-- name: job_by_id
-- $2: the tenant whose job it has to be, NULL for any tenant.
SELECT * FROM jobs WHERE id = $1 AND tenant = COALESCE(CAST($2 AS TEXT), tenant);

-- name: job_by_upload
SELECT * FROM jobs WHERE upload_id = $1 AND tenant = COALESCE(CAST($2 AS TEXT), tenant);

-- name: mark_published
UPDATE jobs SET published_at = $2 WHERE id = $1 RETURNING id;

-- name: claim
-- If the job is STARTED, its attempt is lost, which counts as a failure. A processor that has a head
-- start comes first, unless the job was created at or before $5.
UPDATE jobs
SET state = 'STARTED',
    attempt = attempt + 1,
    failures = failures + CASE WHEN state = 'STARTED' THEN 1 ELSE 0 END,
    worker = $2,
    lease_until = $3,
    retry_at = NULL,
    reason = NULL,
    report = NULL,
    progress_rows_estimated = NULL
WHERE id = $1
  AND (
      (
          state = 'PENDING'
          AND NOT EXISTS (
              SELECT 1 FROM head_starts
              WHERE head_starts.upload_id = jobs.upload_id
                AND head_starts.worker <> $2
                AND head_starts.held_until > $4
                AND jobs.created_at > $5
          )
      )
      OR (state = 'RETRY' AND (retry_at IS NULL OR retry_at <= $4))
      OR (state = 'STARTED' AND lease_until < $4 AND failures + 1 < max_attempts)
  )
RETURNING *;

-- name: fail_lost
-- The counterpart of `claim` for a job whose last permitted attempt was lost.
UPDATE jobs
SET state = 'FAILURE',
    failures = failures + 1,
    lease_until = NULL,
    finished_at = $2,
    dead_letter_due_at = $2,
    dead_lettered_at = NULL,
    reason = $3
WHERE id = $1 AND state = 'STARTED' AND lease_until < $2 AND failures + 1 >= max_attempts
RETURNING *;

-- name: heartbeat
-- A delayed heartbeat that arrives after a later one does not shorten the lease.
UPDATE jobs SET lease_until = CASE WHEN lease_until > $3 THEN lease_until ELSE $3 END
WHERE id = $1 AND attempt = $2 AND state = 'STARTED'
RETURNING id;

-- name: record_progress
-- Does not renew the lease: only a heartbeat shows that the attempt is alive.
UPDATE jobs
SET progress_attempt = $2,
    progress_bytes = $3,
    progress_rows = $4,
    progress_rate = $5,
    progress_rows_estimated = $6
WHERE id = $1 AND attempt = $2 AND state = 'STARTED'
RETURNING id;

-- name: succeed
UPDATE jobs
SET state = 'SUCCESS',
    lease_until = NULL,
    finished_at = $3,
    reason = NULL,
    result_key = $4,
    result_size = $5,
    result_sha256 = $6,
    result_rows_in = $7,
    result_rows_out = $8,
    report = $9,
    report_attempt = $2,
    report_rows_in = $10,
    report_rows_aggregated = $11,
    report_rows_filtered = $12,
    report_rows_rejected = $13,
    rejects_key = $14,
    rejects_size = $15,
    rejects_sha256 = $16,
    answer_key = $17,
    cached_from = $18
WHERE id = $1 AND attempt = $2 AND state = 'STARTED'
RETURNING id, tenant, notify, output_to;

-- name: fail
-- The wake-up of the attempt is used up, so no other is on its way: `published_at` becomes NULL.
-- A dead letter is due when the attempts are used up, but not after a final failure.
UPDATE jobs
SET state = CASE
        WHEN CAST($5 AS INTEGER) = 1 OR failures + 1 >= max_attempts THEN 'FAILURE'
        ELSE 'RETRY'
    END,
    finished_at = CASE
        WHEN CAST($5 AS INTEGER) = 1 OR failures + 1 >= max_attempts
        THEN CAST($4 AS DOUBLE PRECISION)
    END,
    retry_at = CASE
        WHEN CAST($5 AS INTEGER) = 0 AND failures + 1 < max_attempts
        THEN CAST($6 AS DOUBLE PRECISION)
    END,
    dead_letter_due_at = CASE
        WHEN CAST($5 AS INTEGER) = 0 AND failures + 1 >= max_attempts
        THEN CAST($4 AS DOUBLE PRECISION)
    END,
    dead_lettered_at = NULL,
    failures = failures + 1,
    lease_until = NULL,
    published_at = NULL,
    reason = $3,
    report = $7,
    report_attempt = $2,
    report_rows_in = $8,
    report_rows_aggregated = $9,
    report_rows_filtered = $10,
    report_rows_rejected = $11
WHERE id = $1 AND attempt = $2 AND state = 'STARTED'
RETURNING *;

-- name: release
-- $5: 1 if the job is not small after all.
UPDATE jobs
SET state = 'RETRY',
    lease_until = NULL,
    published_at = NULL,
    reason = $3,
    retry_at = $4,
    small = CASE WHEN CAST($5 AS INTEGER) = 1 THEN 0 ELSE small END
WHERE id = $1 AND attempt = $2 AND state = 'STARTED'
RETURNING id;

-- name: cancel
UPDATE jobs
SET state = 'REVOKED', lease_until = NULL, retry_at = NULL, finished_at = $2, reason = $3
WHERE id = $1
  AND state IN ('PENDING', 'RETRY', 'STARTED')
  AND tenant = COALESCE(CAST($4 AS TEXT), tenant)
RETURNING *;

-- name: retry
-- The only way out of a terminal state. Attempt numbers continue.
UPDATE jobs
SET state = 'RETRY',
    failures = 0,
    finished_at = NULL,
    published_at = NULL,
    dead_letter_due_at = NULL,
    dead_lettered_at = NULL
WHERE id = $1 AND state = 'FAILURE' AND expired_at IS NULL
  AND tenant = COALESCE(CAST($2 AS TEXT), tenant)
RETURNING *;

-- name: overdue
-- $1: now. A job created at or before $2 should have been published. A wake-up published at or
-- before $3 counts as lost.
SELECT id, small FROM jobs
WHERE state IN ('PENDING', 'RETRY', 'STARTED')
  AND (
      (
          state <> 'STARTED' AND (retry_at IS NULL OR retry_at <= $1)
          AND (published_at <= $3 OR (published_at IS NULL AND created_at <= $2))
      )
      OR (
          state = 'STARTED' AND lease_until < $1
          AND (published_at IS NULL OR published_at < lease_until OR published_at <= $3)
      )
  )
ORDER BY created_at, id
LIMIT $4;

-- name: take_dead_letter
-- Takes a dead letter that has been due since $2 or longer. It is due again from $1 (now) on. The
-- conditions are repeated because another relay may take it between the subquery and the update.
UPDATE jobs SET dead_letter_due_at = $1
WHERE state = 'FAILURE'
  AND dead_letter_due_at <= $2
  AND id = (
      SELECT id FROM jobs
      WHERE state = 'FAILURE' AND dead_letter_due_at <= $2
      ORDER BY dead_letter_due_at, id
      LIMIT 1
  )
RETURNING *;

-- name: mark_dead_lettered
-- No effect if the job was retried meanwhile.
UPDATE jobs SET dead_letter_due_at = NULL, dead_lettered_at = $3
WHERE id = $1 AND attempt = $2 AND state = 'FAILURE' AND dead_letter_due_at IS NOT NULL
RETURNING id;

-- name: unfinished
-- Reads at most $1 rows of the index `jobs_unfinished`.
SELECT
    SUM(CASE WHEN state = 'PENDING' THEN 1 ELSE 0 END) AS pending,
    SUM(CASE WHEN state = 'RETRY' THEN 1 ELSE 0 END) AS retry,
    SUM(CASE WHEN state = 'STARTED' THEN 1 ELSE 0 END) AS started,
    MIN(CASE WHEN state <> 'STARTED' THEN created_at END) AS oldest_waiting
FROM (
    SELECT state, created_at FROM jobs
    WHERE state IN ('PENDING', 'RETRY', 'STARTED')
    ORDER BY created_at, id
    LIMIT $1
) AS oldest;

-- name: expire
-- The conditions are repeated because the job may be retried before the update.
UPDATE jobs SET expired_at = $2
WHERE finished_at IS NOT NULL
  AND expired_at IS NULL
  AND (finished_at < $1 OR state = 'REVOKED')
  AND id IN (
      SELECT id FROM jobs
      WHERE finished_at IS NOT NULL
        AND expired_at IS NULL
        AND (finished_at < $1 OR state = 'REVOKED')
      ORDER BY finished_at, id
      LIMIT $3
  )
RETURNING id;

-- name: expire_failed
UPDATE jobs SET expired_at = $2
WHERE id = $1 AND state = 'FAILURE' AND expired_at IS NULL
RETURNING *;

-- name: expire_ended
UPDATE jobs SET expired_at = $2
WHERE id = $1 AND state IN ('SUCCESS', 'FAILURE', 'REVOKED') AND expired_at IS NULL
RETURNING *;

-- name: delete_result
UPDATE jobs SET result_deleted_at = $2
WHERE id = $1 AND state = 'SUCCESS' AND expired_at IS NULL AND result_deleted_at IS NULL
RETURNING *;

-- name: jobs_by_ids
-- $1: ids of 36 characters, concatenated. The job watcher queries up to a thousand several times a
-- second: halving the text repeatedly is much faster than taking one id at a time.
WITH RECURSIVE wanted (id, number) AS (
    SELECT CAST($1 AS TEXT), length(CAST($1 AS TEXT)) / 36
    UNION ALL
    SELECT
        CASE half
            WHEN 1 THEN substr(id, 1, number / 2 * 36)
            ELSE substr(id, number / 2 * 36 + 1)
        END,
        CASE half WHEN 1 THEN number / 2 ELSE number - number / 2 END
    FROM wanted CROSS JOIN (SELECT 1 AS half UNION ALL SELECT 2) AS halves
    WHERE number > 1
)
SELECT jobs.* FROM wanted JOIN jobs ON jobs.id = wanted.id WHERE number = 1;

-- name: jobs_by_uploads
-- $1: as for `jobs_by_ids`.
WITH RECURSIVE wanted (upload_id, rest) AS (
    SELECT substr(CAST($1 AS TEXT), 1, 36), substr(CAST($1 AS TEXT), 37)
    UNION ALL
    SELECT substr(rest, 1, 36), substr(rest, 37) FROM wanted WHERE rest <> ''
)
SELECT jobs.* FROM wanted JOIN jobs ON jobs.upload_id = wanted.upload_id;

-- name: newest
-- Newest first, at most $5: jobs of the tenant $6 that precede ($1, $2) in the order of `created_at` and `id`, were
-- created at $4 or later, and are in one of the states in the text $3. There is a branch per state,
-- which reads at most $5 rows of the index `jobs_newest_of_tenant`: so rare states are found fast.
SELECT jobs.* FROM (
    SELECT * FROM (
        SELECT id, created_at FROM jobs
        WHERE tenant = $6 AND state = 'PENDING' AND $3 LIKE '%PENDING%'
          AND (created_at, id) < ($1, $2) AND created_at >= $4
        ORDER BY created_at DESC, id DESC LIMIT $5
    ) AS pending
    UNION ALL
    SELECT * FROM (
        SELECT id, created_at FROM jobs
        WHERE tenant = $6 AND state = 'STARTED' AND $3 LIKE '%STARTED%'
          AND (created_at, id) < ($1, $2) AND created_at >= $4
        ORDER BY created_at DESC, id DESC LIMIT $5
    ) AS started
    UNION ALL
    SELECT * FROM (
        SELECT id, created_at FROM jobs
        WHERE tenant = $6 AND state = 'RETRY' AND $3 LIKE '%RETRY%'
          AND (created_at, id) < ($1, $2) AND created_at >= $4
        ORDER BY created_at DESC, id DESC LIMIT $5
    ) AS retry
    UNION ALL
    SELECT * FROM (
        SELECT id, created_at FROM jobs
        WHERE tenant = $6 AND state = 'SUCCESS' AND $3 LIKE '%SUCCESS%'
          AND (created_at, id) < ($1, $2) AND created_at >= $4
        ORDER BY created_at DESC, id DESC LIMIT $5
    ) AS success
    UNION ALL
    SELECT * FROM (
        SELECT id, created_at FROM jobs
        WHERE tenant = $6 AND state = 'FAILURE' AND $3 LIKE '%FAILURE%'
          AND (created_at, id) < ($1, $2) AND created_at >= $4
        ORDER BY created_at DESC, id DESC LIMIT $5
    ) AS failure
    UNION ALL
    SELECT * FROM (
        SELECT id, created_at FROM jobs
        WHERE tenant = $6 AND state = 'REVOKED' AND $3 LIKE '%REVOKED%'
          AND (created_at, id) < ($1, $2) AND created_at >= $4
        ORDER BY created_at DESC, id DESC LIMIT $5
    ) AS revoked
    ORDER BY created_at DESC, id DESC LIMIT $5
) AS newest
JOIN jobs ON jobs.id = newest.id
ORDER BY newest.created_at DESC, newest.id DESC;

-- name: newest_of_name
-- The same for files with the name $7.
SELECT * FROM jobs
WHERE tenant = $6 AND filename = $7 AND $3 LIKE '%' || state || '%'
  AND (created_at, id) < ($1, $2) AND created_at >= $4
ORDER BY created_at DESC, id DESC
LIMIT $5;

-- name: newest_names
-- As `newest`, but only what a search by name needs: it reads thousands of rows.
SELECT jobs.id, jobs.created_at, jobs.filename FROM (
    SELECT * FROM (
        SELECT id, created_at FROM jobs
        WHERE tenant = $6 AND state = 'PENDING' AND $3 LIKE '%PENDING%'
          AND (created_at, id) < ($1, $2) AND created_at >= $4
        ORDER BY created_at DESC, id DESC LIMIT $5
    ) AS pending
    UNION ALL
    SELECT * FROM (
        SELECT id, created_at FROM jobs
        WHERE tenant = $6 AND state = 'STARTED' AND $3 LIKE '%STARTED%'
          AND (created_at, id) < ($1, $2) AND created_at >= $4
        ORDER BY created_at DESC, id DESC LIMIT $5
    ) AS started
    UNION ALL
    SELECT * FROM (
        SELECT id, created_at FROM jobs
        WHERE tenant = $6 AND state = 'RETRY' AND $3 LIKE '%RETRY%'
          AND (created_at, id) < ($1, $2) AND created_at >= $4
        ORDER BY created_at DESC, id DESC LIMIT $5
    ) AS retry
    UNION ALL
    SELECT * FROM (
        SELECT id, created_at FROM jobs
        WHERE tenant = $6 AND state = 'SUCCESS' AND $3 LIKE '%SUCCESS%'
          AND (created_at, id) < ($1, $2) AND created_at >= $4
        ORDER BY created_at DESC, id DESC LIMIT $5
    ) AS success
    UNION ALL
    SELECT * FROM (
        SELECT id, created_at FROM jobs
        WHERE tenant = $6 AND state = 'FAILURE' AND $3 LIKE '%FAILURE%'
          AND (created_at, id) < ($1, $2) AND created_at >= $4
        ORDER BY created_at DESC, id DESC LIMIT $5
    ) AS failure
    UNION ALL
    SELECT * FROM (
        SELECT id, created_at FROM jobs
        WHERE tenant = $6 AND state = 'REVOKED' AND $3 LIKE '%REVOKED%'
          AND (created_at, id) < ($1, $2) AND created_at >= $4
        ORDER BY created_at DESC, id DESC LIMIT $5
    ) AS revoked
    ORDER BY created_at DESC, id DESC LIMIT $5
) AS newest
JOIN jobs ON jobs.id = newest.id
ORDER BY newest.created_at DESC, newest.id DESC;

-- name: attempts_of_many
-- $1: as for `jobs_by_ids`. Of each job, the first $2 attempts and the last $3: numbers have no gaps.
WITH RECURSIVE wanted (job_id, rest) AS (
    SELECT substr(CAST($1 AS TEXT), 1, 36), substr(CAST($1 AS TEXT), 37)
    UNION ALL
    SELECT substr(rest, 1, 36), substr(rest, 37) FROM wanted WHERE rest <> ''
)
SELECT attempts.* FROM wanted
JOIN jobs ON jobs.id = wanted.job_id
JOIN attempts ON attempts.job_id = wanted.job_id
 AND (attempts.number <= $2 OR attempts.number > jobs.attempt - CAST($3 AS INTEGER))
ORDER BY attempts.job_id, attempts.number;

-- name: insert_attempt
INSERT INTO attempts (job_id, number, worker, started_at) VALUES ($1, $2, $3, $4);

-- name: end_attempt
-- A job has at most one running attempt, so its number is not a parameter.
UPDATE attempts SET ended_at = $2, outcome = $3, reason = $4
WHERE job_id = $1 AND ended_at IS NULL
RETURNING number;

-- name: attempts_of
SELECT * FROM attempts WHERE job_id = $1 ORDER BY number;
