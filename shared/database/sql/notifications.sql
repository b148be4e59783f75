-- The statements of shared/jobs/notifications.py, for PostgreSQL and SQLite, as those of queries.sql.

-- name: insert_notification
INSERT INTO notifications (id, job_id, tenant, url, type, created_at, due_at)
VALUES ($1, $2, $3, $4, $5, $6, $6);

-- name: any_due
SELECT id FROM notifications WHERE state = 'pending' AND due_at <= $1 LIMIT 1;

-- name: take
-- The longest due, at most $3, but none of the tenants in the text $4, which has a space before and
-- after each. No other processor takes them before $2. The conditions are repeated because another processor
-- may take some between the subquery and the update.
UPDATE notifications SET attempts = attempts + 1, due_at = $2
WHERE state = 'pending'
  AND due_at <= $1
  AND id IN (
      SELECT id FROM notifications
      WHERE state = 'pending' AND due_at <= $1
        AND CAST($4 AS TEXT) NOT LIKE '% ' || tenant || ' %'
      ORDER BY due_at, id
      LIMIT $3
  )
RETURNING *;

-- name: delivered
-- However late: what a receiver has taken is delivered.
UPDATE notifications SET state = 'delivered', ended_at = $2, status = $3, error = NULL
WHERE id = $1 AND state = 'pending'
RETURNING id;

-- name: postpone
UPDATE notifications SET failures = failures + 1, due_at = $3, status = $4, error = $5
WHERE id = $1 AND attempts = $2 AND state = 'pending'
RETURNING id;

-- name: give_up
UPDATE notifications
SET failures = failures + 1, state = 'failed', ended_at = $3, status = $4, error = $5
WHERE id = $1 AND attempts = $2 AND state = 'pending'
RETURNING id;

-- name: retry
UPDATE notifications SET state = 'pending', failures = 0, due_at = $2, ended_at = NULL
WHERE id = $1 AND state = 'failed' AND tenant = COALESCE(CAST($3 AS TEXT), tenant)
RETURNING *;

-- name: by_id
SELECT * FROM notifications WHERE id = $1 AND tenant = COALESCE(CAST($2 AS TEXT), tenant);

-- name: newest
-- $1: the tenant, NULL for all. $2: the state, NULL for all. $3: the job, NULL for all.
SELECT * FROM notifications
WHERE tenant = COALESCE(CAST($1 AS TEXT), tenant)
  AND state = COALESCE(CAST($2 AS TEXT), state)
  AND job_id = COALESCE(CAST($3 AS TEXT), job_id)
  AND (created_at < $4 OR (created_at = $4 AND id < $5))
ORDER BY created_at DESC, id DESC
LIMIT $6;

-- name: waiting
-- Counts at most $1 of each.
SELECT
    (
        SELECT COUNT(*) FROM (
            SELECT 1 AS one FROM notifications WHERE state = 'pending' LIMIT $1
        ) AS pending
    ) AS pending,
    (
        SELECT COUNT(*) FROM (
            SELECT 1 AS one FROM notifications WHERE state = 'failed' LIMIT $1
        ) AS failed
    ) AS failed,
    (SELECT MIN(created_at) FROM notifications WHERE state = 'pending') AS oldest;

-- name: remove_ended
DELETE FROM notifications
WHERE id IN (
    SELECT id FROM notifications WHERE state <> 'pending' AND ended_at < $1
    ORDER BY ended_at, id LIMIT $2
)
RETURNING id;
