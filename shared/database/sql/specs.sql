-- The statements of shared/jobs/saved_specs.py, for PostgreSQL and SQLite, as those of queries.sql.

-- name: spec_by_name
SELECT * FROM specs WHERE tenant = $1 AND name = $2;

-- name: specs_of_tenant
SELECT * FROM specs WHERE tenant = $1 ORDER BY name LIMIT $2;

-- name: replace_spec
-- $6: the versions that may be replaced, concatenated; NULL for any.
UPDATE specs SET aggregation = $3, version = $4, changed_at = $5
WHERE tenant = $1 AND name = $2
  AND (CAST($6 AS TEXT) IS NULL OR CAST($6 AS TEXT) LIKE '%' || version || '%')
RETURNING *;

-- name: insert_spec
-- If the tenant has fewer than $6.
INSERT INTO specs (tenant, name, aggregation, version, created_at, changed_at)
SELECT
    CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT),
    CAST($5 AS DOUBLE PRECISION), CAST($5 AS DOUBLE PRECISION)
WHERE (SELECT COUNT(*) FROM specs WHERE tenant = CAST($1 AS TEXT)) < CAST($6 AS INTEGER)
ON CONFLICT (tenant, name) DO NOTHING
RETURNING *;

-- name: delete_spec
-- $3: as $6 of `replace_spec`.
DELETE FROM specs
WHERE tenant = $1 AND name = $2
  AND (CAST($3 AS TEXT) IS NULL OR CAST($3 AS TEXT) LIKE '%' || version || '%')
RETURNING name;
