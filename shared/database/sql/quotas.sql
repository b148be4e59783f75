-- The statements of shared/access/quota_store.py, for PostgreSQL and SQLite, as those of queries.sql.

-- name: limits_of
SELECT * FROM tenants WHERE tenant = $1;

-- name: all_settings
-- Without the rows that are there to be locked.
SELECT * FROM tenants
WHERE COALESCE(
    weight, max_running, max_bytes, max_uploads, max_upload_size, max_waiting, requests_per_second
) IS NOT NULL
ORDER BY tenant;

-- name: set_settings
INSERT INTO tenants (
    tenant, weight, max_running, max_bytes, max_uploads, max_upload_size, max_waiting,
    requests_per_second
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (tenant) DO UPDATE SET
    weight = excluded.weight,
    max_running = excluded.max_running,
    max_bytes = excluded.max_bytes,
    max_uploads = excluded.max_uploads,
    max_upload_size = excluded.max_upload_size,
    max_waiting = excluded.max_waiting,
    requests_per_second = excluded.requests_per_second
RETURNING *;

-- name: usage_of
-- At most $2 waiting jobs are counted. The bytes of an upload count once, however many jobs were asked
-- of it: with its own job, or else with its row in `datasets`.
SELECT
    (
        SELECT COALESCE(
            SUM(input_size + COALESCE(result_size, 0) + COALESCE(rejects_size, 0)), 0
        )
        FROM jobs
        WHERE tenant = $1 AND expired_at IS NULL AND state <> 'REVOKED'
    ) - (
        SELECT COALESCE(SUM(COALESCE(result_size, 0) + COALESCE(rejects_size, 0)), 0)
        FROM jobs
        WHERE tenant = $1 AND result_deleted_at IS NOT NULL AND expired_at IS NULL
    ) - (
        SELECT COALESCE(SUM(input_size), 0) FROM jobs
        WHERE tenant = $1 AND upload_id = id AND expired_at IS NULL AND state <> 'REVOKED'
    ) + (
        SELECT COALESCE(SUM(size), 0) FROM datasets
        WHERE tenant = $1 AND removed_at IS NULL
          AND NOT EXISTS (
              SELECT 1 FROM jobs
              WHERE jobs.upload_id = datasets.upload_id
                AND jobs.expired_at IS NULL AND jobs.state <> 'REVOKED'
          )
    ) AS stored,
    (
        SELECT COUNT(*) FROM (
            SELECT 1 FROM jobs
            WHERE tenant = $1 AND small IN (0, 1) AND state IN ('PENDING', 'RETRY')
            LIMIT $2
        ) AS found
    ) AS waiting;

-- name: lock_tenant
-- Until the end of the transaction, no other passes this statement for the same tenant.
INSERT INTO tenants (tenant) VALUES ($1)
ON CONFLICT (tenant) DO UPDATE SET tenant = excluded.tenant
RETURNING tenant;

-- name: forget_jobs
-- Removes the reservations of uploads that have become jobs, or are complete without one.
DELETE FROM reservations
WHERE tenant = $1
  AND (
      EXISTS (SELECT 1 FROM jobs WHERE jobs.upload_id = reservations.upload_id)
      OR EXISTS (
          SELECT 1 FROM datasets
          WHERE datasets.upload_id = reservations.upload_id AND removed_at IS NULL
      )
  )
RETURNING upload_id;

-- name: reserved_of
-- Without the upload $2, and without those that `forget_jobs` removes.
SELECT COUNT(*) AS uploads, COALESCE(SUM(bytes), 0) AS bytes
FROM reservations
WHERE tenant = $1 AND upload_id <> $2
  AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.upload_id = reservations.upload_id)
  AND NOT EXISTS (
      SELECT 1 FROM datasets
      WHERE datasets.upload_id = reservations.upload_id AND removed_at IS NULL
  );

-- name: reserve
INSERT INTO reservations (upload_id, tenant, bytes, reserved_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (upload_id) DO UPDATE SET
    bytes = CASE WHEN reservations.bytes > excluded.bytes
        THEN reservations.bytes ELSE excluded.bytes END
RETURNING upload_id;

-- name: release
DELETE FROM reservations WHERE upload_id = $1 RETURNING upload_id;

-- name: oldest
-- Up to $4 reservations made before $1, which follow ($2, $3).
SELECT upload_id, tenant, reserved_at FROM reservations
WHERE reserved_at < $1 AND (reserved_at, upload_id) > ($2, $3)
ORDER BY reserved_at, upload_id
LIMIT $4;
