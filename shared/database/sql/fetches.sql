-- The statements of shared/jobs/fetches.py, for PostgreSQL and SQLite, as those of queries.sql.

-- name: insert
INSERT INTO fetches (
    upload_id, job_id, position, tenant, input_key, name, url, sha256, max_size, max_bytes,
    created_at, due_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
ON CONFLICT (upload_id) DO NOTHING
RETURNING upload_id;

-- name: any_due
SELECT 1 AS due FROM fetches WHERE state = 'PENDING' AND due_at <= $1 LIMIT 1;

-- name: take
-- The one that has waited longest, of the tenant for which the fewest are being fetched. The
-- conditions are repeated because another processor may take it between the subquery and the update.
UPDATE fetches SET token = token + 1, worker = $1, due_at = $2
WHERE state = 'PENDING'
  AND due_at <= $3
  AND upload_id = (
      WITH held AS (
          SELECT tenant, COUNT(*) AS fetches FROM fetches
          WHERE state = 'PENDING' AND worker IS NOT NULL AND due_at > $3
          GROUP BY tenant
      )
      SELECT due.upload_id FROM fetches AS due LEFT JOIN held ON held.tenant = due.tenant
      WHERE due.state = 'PENDING' AND due.due_at <= $3
      ORDER BY COALESCE(held.fetches, 0), due.due_at, due.upload_id
      LIMIT 1
  )
RETURNING *;

-- name: renew
-- Not if the job was cancelled meanwhile.
UPDATE fetches SET due_at = $3, bytes_done = $4
WHERE upload_id = $1 AND token = $2 AND state = 'PENDING'
  AND EXISTS (
      SELECT 1 FROM jobs WHERE jobs.id = fetches.job_id AND jobs.state IN ('PENDING', 'RETRY')
  )
RETURNING job_id;

-- name: identify
UPDATE fetches SET tag = $3, modified = $4, size = $5
WHERE upload_id = $1 AND token = $2 AND state = 'PENDING'
RETURNING *;

-- name: postpone
UPDATE fetches
SET due_at = $3,
    worker = NULL,
    failures = $4,
    reason = COALESCE($5, reason)
WHERE upload_id = $1 AND token = $2 AND state = 'PENDING'
RETURNING job_id;

-- name: end_done
UPDATE fetches
SET state = 'DONE', size = $3, bytes_done = $3, sha256 = $4, ended_at = $5, worker = NULL,
    reason = NULL
WHERE upload_id = $1 AND token = $2 AND state = 'PENDING'
RETURNING *;

-- name: end_failed
UPDATE fetches SET state = 'FAILED', reason = $3, ended_at = $4, worker = NULL
WHERE upload_id = $1 AND token = $2 AND state = 'PENDING'
RETURNING *;

-- name: end_others
-- The other fetches of a job whose input $2 cannot be had.
UPDATE fetches SET state = 'FAILED', reason = $3, ended_at = $4, worker = NULL
WHERE job_id = $1 AND upload_id <> $2 AND state = 'PENDING'
RETURNING upload_id;

-- name: lock_job
-- Of transactions that end fetches of the same job, one comes first.
UPDATE jobs SET filename = filename WHERE id = $1 RETURNING *;

-- name: change_inputs
UPDATE jobs SET inputs = $2, input_size = $3, filename = $4 WHERE id = $1 RETURNING *;

-- name: show
-- The progress of a job that waits for what is fetched counts as that of its attempt 0.
UPDATE jobs
SET progress_attempt = attempt,
    progress_bytes = (SELECT SUM(bytes_done) FROM fetches WHERE fetches.job_id = jobs.id),
    progress_rows = NULL,
    progress_rate = NULL,
    progress_rows_estimated = NULL,
    reason = COALESCE($2, reason)
WHERE id = $1 AND state IN ('PENDING', 'RETRY') AND retry_at = $3
RETURNING id;

-- name: release_job
-- Once nothing is fetched for it any more, it can be claimed.
UPDATE jobs
SET retry_at = NULL, reason = NULL, progress_attempt = NULL, small = $2
WHERE id = $1 AND state IN ('PENDING', 'RETRY') AND retry_at = $3
  AND NOT EXISTS (SELECT 1 FROM fetches WHERE fetches.job_id = $1 AND fetches.state = 'PENDING')
RETURNING *;

-- name: failed_of
-- $2: the reason of those that ended because of another one.
SELECT * FROM fetches WHERE job_id = $1 AND state = 'FAILED'
ORDER BY CASE WHEN reason = $2 THEN 1 ELSE 0 END, position
LIMIT 1;

-- name: again
-- For a job that an operator retries.
UPDATE fetches
SET state = 'PENDING', due_at = $2, failures = 0, reason = NULL, tag = NULL, modified = NULL,
    size = NULL, bytes_done = 0, ended_at = NULL
WHERE job_id = $1 AND state = 'FAILED'
RETURNING upload_id;

-- name: hold_job
UPDATE jobs SET retry_at = $2 WHERE id = $1 AND state IN ('PENDING', 'RETRY') RETURNING *;

-- name: abandoned
-- Those of jobs that were cancelled, and that no processor holds, or that of $2 with the token $3.
UPDATE fetches SET state = 'FAILED', reason = 'cancelled', ended_at = $1, worker = NULL
WHERE state = 'PENDING' AND (due_at <= $1 OR (upload_id = $2 AND token = $3))
  AND EXISTS (
      SELECT 1 FROM jobs
      WHERE jobs.id = fetches.job_id AND jobs.state NOT IN ('PENDING', 'RETRY')
  )
RETURNING *;

-- name: remove_old
DELETE FROM fetches
WHERE state <> 'PENDING'
  AND EXISTS (SELECT 1 FROM jobs WHERE jobs.id = fetches.job_id AND jobs.expired_at IS NOT NULL)
RETURNING upload_id;
