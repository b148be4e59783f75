-- The statements of shared/jobs/turns.py, for PostgreSQL and SQLite, as those of queries.sql.

-- name: chosen
-- The start of two statements: the next job of those that are small, or not ($5). Its tenant is the one with the fewest
-- running jobs of this size, divided by its weight without a remainder; then the one whose turn is
-- first. A tenant's turn is 1 / weight after its previous one, but not before the latest turn of all.
-- Within the tenant, it is the job $1 of the wake-up or else the oldest; the oldest also if it was
-- created more than a second before the other. A tenant with as many running jobs as it may have
-- ($6, unless `tenants` says otherwise) is left out.
-- A job that has no wake-up of its own is not claimed by that of another, for which none would be
-- left: the relay publishes one.
-- If the job $1 was lost with its worker, it is claimed first: it has had its turn.
-- For the last free slot of a processor ($7 = 1) only tenants that run no job of this size have a turn.
WITH RECURSIVE
waiting (tenant) AS (
    SELECT (
        SELECT tenant FROM jobs
        WHERE small = $5 AND state IN ('PENDING', 'RETRY')
        ORDER BY tenant LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT tenant FROM jobs
        WHERE small = $5 AND state IN ('PENDING', 'RETRY') AND jobs.tenant > waiting.tenant
        ORDER BY tenant LIMIT 1
    )
    FROM waiting WHERE waiting.tenant IS NOT NULL
),
standing AS MATERIALIZED (
    SELECT
        waiting.tenant,
        COALESCE(tenants.weight, 1) AS weight,
        COALESCE(tenants.max_running, $6) AS max_running,
        (
            SELECT COUNT(*) FROM jobs
            WHERE state = 'STARTED' AND jobs.tenant = waiting.tenant
        ) AS running,
        (
            SELECT COUNT(*) FROM jobs
            WHERE state = 'STARTED' AND jobs.tenant = waiting.tenant AND small = $5
        ) AS running_of_size,
        (
            SELECT turn FROM jobs
            WHERE small = $5 AND jobs.tenant = waiting.tenant AND turn IS NOT NULL
            ORDER BY turn DESC LIMIT 1
        ) AS previous,
        COALESCE(
            (
                SELECT id FROM jobs
                WHERE id = $1
                  AND jobs.tenant = waiting.tenant
                  AND (
                      (
                          state = 'PENDING'
                          AND NOT EXISTS (
                              SELECT 1 FROM head_starts
                              WHERE head_starts.upload_id = jobs.upload_id
                                AND head_starts.worker <> $2
                                AND head_starts.held_until > $3
                                AND jobs.created_at > $4
                          )
                      )
                      OR (state = 'RETRY' AND (retry_at IS NULL OR retry_at <= $3))
                  )
                  AND NOT EXISTS (
                      SELECT 1 FROM jobs AS earlier
                      WHERE earlier.small = $5
                        AND earlier.tenant = waiting.tenant
                        AND earlier.state IN ('PENDING', 'RETRY')
                        AND earlier.published_at IS NOT NULL
                        AND (earlier.retry_at IS NULL OR earlier.retry_at <= $3)
                        AND earlier.created_at < jobs.created_at - 1.0
                  )
            ),
            (
                SELECT id FROM jobs
                WHERE small = $5
                  AND jobs.tenant = waiting.tenant
                  AND state IN ('PENDING', 'RETRY')
                  AND published_at IS NOT NULL
                  AND (retry_at IS NULL OR retry_at <= $3)
                  AND (
                      state = 'RETRY'
                      OR NOT EXISTS (
                          SELECT 1 FROM head_starts
                          WHERE head_starts.upload_id = jobs.upload_id
                            AND head_starts.worker <> $2
                            AND head_starts.held_until > $3
                            AND jobs.created_at > $4
                      )
                  )
                ORDER BY created_at, id LIMIT 1
            )
        ) AS id
    FROM waiting LEFT JOIN tenants ON tenants.tenant = waiting.tenant
    WHERE waiting.tenant IS NOT NULL
),
latest (turn) AS (
    SELECT COALESCE(
        (
            SELECT turn FROM jobs WHERE small = $5 AND turn IS NOT NULL
            ORDER BY turn DESC LIMIT 1
        ),
        0.0
    )
),
candidates AS (
    SELECT id, turn, -1 AS level, turn AS previous, tenant FROM jobs
    WHERE id = $1 AND state = 'STARTED' AND lease_until < $3 AND failures + 1 < max_attempts
      AND $7 = 0
    UNION ALL
    SELECT
        standing.id,
        CASE
            WHEN previous + 1.0 / weight > latest.turn THEN previous + 1.0 / weight
            ELSE latest.turn
        END,
        running_of_size / weight,
        previous,
        standing.tenant
    FROM standing CROSS JOIN latest
    WHERE standing.id IS NOT NULL
      AND (max_running IS NULL OR running < max_running)
      AND ($7 = 0 OR running_of_size = 0)
),
chosen AS (
    SELECT id AS chosen_id, turn AS chosen_turn, level AS chosen_level FROM candidates
    ORDER BY level, turn, previous NULLS FIRST, tenant LIMIT 1
);

-- name: next_job
-- After `chosen`.
SELECT chosen_id FROM chosen;

-- name: claim_next
-- After `chosen`. Claims that job, unless it is claimed by another in the same moment. Its `level` is below 0 if it was
-- lost with its worker.
UPDATE jobs
SET state = 'STARTED',
    attempt = attempt + 1,
    failures = failures + CASE WHEN state = 'STARTED' THEN 1 ELSE 0 END,
    worker = $2,
    lease_until = $8,
    turn = chosen_turn,
    retry_at = NULL,
    reason = NULL,
    report = NULL,
    progress_rows_estimated = NULL
FROM chosen
WHERE jobs.id = chosen_id
  AND (
      state = 'PENDING'
      OR (state = 'RETRY' AND (retry_at IS NULL OR retry_at <= $3))
      OR (state = 'STARTED' AND lease_until < $3 AND failures + 1 < max_attempts)
  )
RETURNING *, (
    SELECT max_running FROM tenants WHERE tenants.tenant = jobs.tenant
) AS tenant_max_running, (SELECT chosen_level FROM chosen) AS level;

-- name: several_tenants
SELECT CASE WHEN MIN(tenant) <> MAX(tenant) THEN 1 ELSE 0 END AS several FROM jobs;

-- name: limit_of
-- How many jobs a tenant may run at a time: $2, unless `tenants` says otherwise; NULL for any number.
SELECT COALESCE(
    (SELECT max_running FROM tenants WHERE tenant = $1), CAST($2 AS INTEGER)
) AS max_running;

-- name: lock_tenant
-- Until the end of the transaction, no other passes this statement for the same tenant.
INSERT INTO tenants (tenant) VALUES ($1)
ON CONFLICT (tenant) DO UPDATE SET tenant = excluded.tenant
RETURNING tenant;

-- name: running_of
SELECT COUNT(*) AS running FROM jobs WHERE state = 'STARTED' AND tenant = $1;

-- name: claimed
SELECT * FROM jobs WHERE state = 'STARTED' AND worker = $1 AND lease_until = $2;

-- name: pass_on
-- The wake-up of $1 was spent on another job, whose wake-up, published at $2, is now that of $1.
UPDATE jobs SET published_at = $2 WHERE id = $1 AND state IN ('PENDING', 'RETRY') RETURNING id;

-- name: forget_wake_up
-- The wake-up of $1, which was lost with its worker before $2, was spent on another job: the relay publishes one.
UPDATE jobs SET published_at = NULL WHERE id = $1 AND state = 'STARTED' AND lease_until < $2 RETURNING id;

-- name: first_waiting
-- The tenant's oldest waiting job among the small ones, and that among the others.
SELECT * FROM (
    SELECT id, small FROM jobs
    WHERE small = 0 AND tenant = $1 AND state IN ('PENDING', 'RETRY')
      AND (retry_at IS NULL OR retry_at <= $2)
    ORDER BY created_at, id LIMIT 1
) AS other
UNION ALL
SELECT * FROM (
    SELECT id, small FROM jobs
    WHERE small = 1 AND tenant = $1 AND state IN ('PENDING', 'RETRY')
      AND (retry_at IS NULL OR retry_at <= $2)
    ORDER BY created_at, id LIMIT 1
) AS small_one;
