-- The statements of shared/jobs/deliveries.py, for PostgreSQL and SQLite, as those of queries.sql.

-- name: ask
UPDATE jobs SET output_to = $2, output_state = 'PENDING' WHERE id = $1 RETURNING *;

-- name: insert
INSERT INTO deliveries (job_id, tenant, url, created_at, due_at) VALUES ($1, $2, $3, $4, $4)
ON CONFLICT (job_id) DO NOTHING
RETURNING job_id;

-- name: any_due
SELECT 1 AS due FROM deliveries WHERE state = 'PENDING' AND due_at <= $1 LIMIT 1;

-- name: take
-- The conditions are repeated because another processor may take it between the subquery and the update.
UPDATE deliveries SET token = token + 1, due_at = $1
WHERE state = 'PENDING'
  AND due_at <= $2
  AND job_id = (
      SELECT job_id FROM deliveries WHERE state = 'PENDING' AND due_at <= $2
      ORDER BY due_at, job_id
      LIMIT 1
  )
RETURNING *;

-- name: renew
UPDATE deliveries SET due_at = $3 WHERE job_id = $1 AND token = $2 AND state = 'PENDING'
RETURNING job_id;

-- name: postpone
UPDATE deliveries SET due_at = $3, failures = $4
WHERE job_id = $1 AND token = $2 AND state = 'PENDING'
RETURNING job_id;

-- name: end_delivery
UPDATE deliveries SET state = $3, ended_at = $4
WHERE job_id = $1 AND token = $2 AND state = 'PENDING'
RETURNING job_id;

-- name: show
UPDATE jobs SET output_state = $2, output_reason = $3 WHERE id = $1 RETURNING *;

-- name: remove_old
DELETE FROM deliveries
WHERE state <> 'PENDING'
  AND EXISTS (SELECT 1 FROM jobs WHERE jobs.id = deliveries.job_id AND jobs.expired_at IS NOT NULL)
RETURNING job_id;
