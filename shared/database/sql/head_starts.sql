-- The statements of shared/jobs/head_starts.py, for PostgreSQL and SQLite, as those of queries.sql.

-- name: offer
INSERT INTO head_starts (upload_id, tenant, offered_at, token) VALUES ($1, $2, $3, 0)
ON CONFLICT (upload_id) DO NOTHING;

-- name: take
-- The oldest offer of the tenant that has the fewest uploads followed, and fewer than $4. The
-- conditions are repeated because another processor may take it between the subquery and the update.
UPDATE head_starts
SET worker = $1,
    held_until = $2,
    token = token + 1,
    bytes_done = NULL,
    rows_done = NULL,
    rows_estimated = NULL,
    rows_rejected = NULL,
    first_problem = NULL
WHERE ended_at IS NULL
  AND (held_until IS NULL OR held_until < $3)
  AND upload_id = (
      WITH followed AS (
          SELECT tenant, COUNT(*) AS uploads FROM head_starts WHERE held_until >= $3 GROUP BY tenant
      )
      SELECT offered.upload_id
      FROM head_starts AS offered LEFT JOIN followed ON followed.tenant = offered.tenant
      WHERE offered.ended_at IS NULL
        AND (offered.held_until IS NULL OR offered.held_until < $3)
        AND COALESCE(followed.uploads, 0) < $4
      ORDER BY COALESCE(followed.uploads, 0), offered.offered_at, offered.upload_id
      LIMIT 1
  )
RETURNING *;

-- name: renew
UPDATE head_starts
SET held_until = $3,
    bytes_done = $4,
    rows_done = $5,
    rows_estimated = $6,
    rows_rejected = $7,
    first_problem = $8
WHERE upload_id = $1 AND token = $2 AND ended_at IS NULL
RETURNING upload_id;

-- name: release
UPDATE head_starts SET held_until = NULL WHERE upload_id = $1 AND token = $2;

-- name: withdraw
DELETE FROM head_starts WHERE upload_id = $1 AND token = $2;

-- name: end
UPDATE head_starts SET held_until = NULL, ended_at = $3, reason = $4
WHERE upload_id = $1 AND token = $2;

-- name: of_upload
SELECT * FROM head_starts WHERE upload_id = $1;

-- name: remove_old
DELETE FROM head_starts WHERE offered_at < $1 AND (held_until IS NULL OR held_until < $2);
