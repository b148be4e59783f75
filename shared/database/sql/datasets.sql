-- The statements of shared/jobs/datasets.py, for PostgreSQL and SQLite, as those of queries.sql.
-- An upload without a row is described by its job, whose `upload_id` is not its own id.

-- name: ask
-- A request that asks and one that deletes an upload wait for each other here, also if it has no row yet.
INSERT INTO datasets (
    upload_id, tenant, name, input_key, size, version, sha256, created_at, asked_at
)
VALUES (
    $1, $2, $3, $4, $5, $6, $7,
    COALESCE((SELECT created_at FROM jobs WHERE jobs.upload_id = $1), CAST($8 AS DOUBLE PRECISION)),
    $8
)
ON CONFLICT (upload_id) DO UPDATE SET asked_at = excluded.asked_at
RETURNING *;

-- name: renew
-- The upload was removed and sent again: these are other bytes.
UPDATE datasets SET
    name = $2, size = $3, version = $4, sha256 = $5, created_at = $6, keep_until = $7,
    removed_at = NULL
WHERE upload_id = $1
RETURNING *;

-- name: record
INSERT INTO datasets (
    upload_id, tenant, name, input_key, size, version, sha256, created_at, keep_until
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (upload_id) DO NOTHING
RETURNING *;

-- name: dataset
-- $2: the tenant whose upload it has to be, NULL for any tenant.
SELECT * FROM datasets
WHERE upload_id = $1 AND tenant = COALESCE(CAST($2 AS TEXT), tenant);

-- name: lock
UPDATE datasets SET tenant = tenant WHERE upload_id = $1 RETURNING *;

-- name: lock_of_job
-- The same for an upload that is described by its job.
INSERT INTO datasets (
    upload_id, tenant, name, input_key, size, version, sha256, created_at
)
SELECT upload_id, tenant, filename, input_key, input_size, input_version, input_sha256, created_at
FROM jobs WHERE upload_id = $1 AND inputs IS NULL
ON CONFLICT (upload_id) DO UPDATE SET tenant = excluded.tenant
RETURNING *;

-- name: remove
UPDATE datasets SET removed_at = $2, keep_until = NULL
WHERE upload_id = $1 AND removed_at IS NULL
RETURNING upload_id;

-- name: readers
-- Jobs that read the upload and are not its own: unfinished ones, and those whose bytes are kept.
SELECT
    COALESCE(SUM(CASE WHEN jobs.finished_at IS NULL THEN 1 ELSE 0 END), 0) AS unfinished,
    COUNT(*) AS unexpired
FROM job_inputs JOIN jobs ON jobs.id = job_inputs.job_id
WHERE job_inputs.upload_id = $1 AND jobs.expired_at IS NULL AND jobs.state <> 'REVOKED';

-- name: needed
-- $1: ids of uploads, as for `jobs_by_ids`; $2: now. A job that was cancelled reads nothing any more.
WITH RECURSIVE wanted (upload_id, rest) AS (
    SELECT substr(CAST($1 AS TEXT), 1, 36), substr(CAST($1 AS TEXT), 37)
    UNION ALL
    SELECT substr(rest, 1, 36), substr(rest, 37) FROM wanted WHERE rest <> ''
)
SELECT wanted.upload_id FROM wanted
LEFT JOIN datasets ON datasets.upload_id = wanted.upload_id
WHERE (datasets.removed_at IS NULL AND datasets.keep_until > $2)
   OR EXISTS (
       SELECT 1 FROM jobs
       WHERE jobs.upload_id = wanted.upload_id AND jobs.expired_at IS NULL
         AND (datasets.removed_at IS NULL OR jobs.finished_at IS NULL)
   )
   OR EXISTS (
       SELECT 1 FROM job_inputs JOIN jobs ON jobs.id = job_inputs.job_id
       WHERE job_inputs.upload_id = wanted.upload_id AND jobs.expired_at IS NULL
         AND (datasets.removed_at IS NULL OR jobs.finished_at IS NULL)
   );

-- name: listed
-- The uploads of the tenant $1 that precede ($2, $3), newest first, at most $4: those with a row, and
-- those whose job tells everything. A deleted one has a row, which says so.
SELECT * FROM (
    SELECT * FROM (
        SELECT
            upload_id, tenant, name, input_key, size, version, sha256, created_at,
            keep_until, asked_at, removed_at
        FROM datasets
        WHERE tenant = $1 AND (created_at, upload_id) < ($2, $3) AND removed_at IS NULL
        ORDER BY created_at DESC, upload_id DESC LIMIT $4
    ) AS recorded
    UNION ALL
    SELECT * FROM (
        SELECT
            upload_id, tenant, filename, input_key, input_size, input_version, input_sha256,
            created_at, CAST(NULL AS DOUBLE PRECISION), CAST(NULL AS DOUBLE PRECISION),
            CAST(NULL AS DOUBLE PRECISION)
        FROM jobs
        WHERE tenant = $1 AND (created_at, upload_id) < ($2, $3)
          AND expired_at IS NULL AND state <> 'REVOKED' AND inputs IS NULL
          AND NOT EXISTS (SELECT 1 FROM datasets WHERE datasets.upload_id = jobs.upload_id)
        ORDER BY created_at DESC, upload_id DESC LIMIT $4
    ) AS described
) AS uploads
ORDER BY created_at DESC, upload_id DESC LIMIT $4;

-- name: listed_of_name
-- The same for uploads with the name $5.
SELECT * FROM (
    SELECT * FROM (
        SELECT
            upload_id, tenant, name, input_key, size, version, sha256, created_at,
            keep_until, asked_at, removed_at
        FROM datasets
        WHERE tenant = $1 AND name = $5 AND (created_at, upload_id) < ($2, $3)
          AND removed_at IS NULL
        ORDER BY created_at DESC, upload_id DESC LIMIT $4
    ) AS recorded
    UNION ALL
    SELECT * FROM (
        SELECT
            upload_id, tenant, filename, input_key, input_size, input_version, input_sha256,
            created_at, CAST(NULL AS DOUBLE PRECISION), CAST(NULL AS DOUBLE PRECISION),
            CAST(NULL AS DOUBLE PRECISION)
        FROM jobs
        WHERE tenant = $1 AND filename = $5 AND (created_at, upload_id) < ($2, $3)
          AND expired_at IS NULL AND state <> 'REVOKED' AND inputs IS NULL
          AND NOT EXISTS (SELECT 1 FROM datasets WHERE datasets.upload_id = jobs.upload_id)
        ORDER BY created_at DESC, upload_id DESC LIMIT $4
    ) AS described
) AS uploads
ORDER BY created_at DESC, upload_id DESC LIMIT $4;

-- name: keep
-- NULL: no longer than jobs need it.
UPDATE datasets SET keep_until = CAST($2 AS DOUBLE PRECISION)
WHERE upload_id = $1 AND removed_at IS NULL
RETURNING *;

-- name: forget
-- The bytes are gone. The row stays while it tells that those of a job are.
DELETE FROM datasets
WHERE upload_id = $1 AND COALESCE(version, '') = COALESCE(CAST($3 AS TEXT), '')
  AND (keep_until IS NULL OR keep_until <= $2)
  AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.upload_id = $1 AND jobs.expired_at IS NULL)
  AND NOT EXISTS (
      SELECT 1 FROM job_inputs JOIN jobs ON jobs.id = job_inputs.job_id
      WHERE job_inputs.upload_id = $1 AND jobs.expired_at IS NULL
  )
RETURNING upload_id;

-- name: unneeded
-- Up to $3 uploads with a row, from the id $2 on, that nothing needs at $1: `forget` would remove it.
SELECT * FROM datasets
WHERE datasets.upload_id > $2
  AND (keep_until IS NULL OR keep_until <= $1)
  AND NOT EXISTS (
      SELECT 1 FROM jobs WHERE jobs.upload_id = datasets.upload_id AND jobs.expired_at IS NULL
  )
  AND NOT EXISTS (
      SELECT 1 FROM job_inputs JOIN jobs ON jobs.id = job_inputs.job_id
      WHERE job_inputs.upload_id = datasets.upload_id AND jobs.expired_at IS NULL
  )
ORDER BY datasets.upload_id
LIMIT $3;

-- name: jobs_of
-- Up to $2 jobs of each upload in $1 (ids as for `jobs_by_ids`), newest first: its own, and those
-- that were asked of it.
WITH RECURSIVE wanted (upload_id, rest) AS (
    SELECT substr(CAST($1 AS TEXT), 1, 36), substr(CAST($1 AS TEXT), 37)
    UNION ALL
    SELECT substr(rest, 1, 36), substr(rest, 37) FROM wanted WHERE rest <> ''
),
reading AS (
    SELECT wanted.upload_id, jobs.id, jobs.created_at
    FROM wanted JOIN jobs ON jobs.upload_id = wanted.upload_id
    UNION
    SELECT wanted.upload_id, jobs.id, jobs.created_at
    FROM wanted
    JOIN job_inputs ON job_inputs.upload_id = wanted.upload_id
    JOIN jobs ON jobs.id = job_inputs.job_id
),
numbered AS (
    SELECT upload_id, id, ROW_NUMBER() OVER (
        PARTITION BY upload_id ORDER BY created_at DESC, id DESC
    ) AS number
    FROM reading
)
SELECT upload_id, id FROM numbered WHERE number <= $2 ORDER BY upload_id, number;
