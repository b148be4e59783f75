-- The statements of shared/jobs/places.py, for PostgreSQL and SQLite, as those of queries.sql.

-- name: find
SELECT * FROM blob_places WHERE key = $1;

-- name: put
INSERT INTO blob_places (key, server, epoch, settled, declared, changed_at) VALUES ($1, $2, $3, 1, $4, $5)
ON CONFLICT (key) DO UPDATE
SET server = excluded.server,
    epoch = CASE WHEN blob_places.epoch >= excluded.epoch THEN blob_places.epoch + 1 ELSE excluded.epoch END,
    settled = 0,
    moved = 0,
    declared = excluded.declared,
    changed_at = excluded.changed_at
WHERE blob_places.server IS NULL
RETURNING *;

-- name: move
UPDATE blob_places
SET server = $3,
    epoch = CASE WHEN epoch >= $4 THEN epoch + 1 ELSE $4 END,
    settled = 0,
    moved = 1,
    changed_at = $5
WHERE key = $1 AND epoch = $2 AND server IS NOT NULL
RETURNING *;

-- name: settle
UPDATE blob_places SET settled = 1 WHERE key = $1 AND epoch = $2;

-- name: declare_size
UPDATE blob_places SET declared = $3 WHERE key = $1 AND epoch = $2;

-- name: remove
DELETE FROM blob_places WHERE key = $1 AND server IS NOT NULL RETURNING *;

-- name: remove_at
DELETE FROM blob_places WHERE key = $1 AND epoch = $2 AND server IS NOT NULL RETURNING *;

-- name: bury
INSERT INTO blob_places (key, server, epoch, settled, declared, changed_at)
VALUES ($1, NULL, $2, 1, '{}', $3)
ON CONFLICT (key) DO UPDATE
SET server = NULL,
    epoch = CASE WHEN blob_places.epoch >= excluded.epoch THEN blob_places.epoch + 1 ELSE excluded.epoch END,
    settled = 1,
    declared = excluded.declared,
    changed_at = excluded.changed_at;

-- name: oldest
SELECT * FROM blob_places
WHERE server IS NOT NULL AND (changed_at > $1 OR (changed_at = $1 AND key > $2))
ORDER BY changed_at, key
LIMIT $3;

-- name: forget
DELETE FROM blob_places WHERE server IS NULL AND changed_at < $1;
