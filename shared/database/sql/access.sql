-- The statements of shared/access, for PostgreSQL and SQLite, as those of queries.sql. `$1 IS NULL`
-- stands for all tenants. The keys of operators are theirs alone: a tenant neither sees nor changes
-- them, also if they are keys of that tenant, as a caller who rotates a key has it.

-- name: insert_key
INSERT INTO api_keys (
    id, tenant, name, scopes, is_operator, digest, created_at, expires_at, notify
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
RETURNING *;

-- name: count_keys
SELECT COUNT(*) AS keys FROM api_keys WHERE tenant = $1;

-- name: remove_ended_key
-- The oldest that is revoked or has expired.
DELETE FROM api_keys
WHERE id = (
    SELECT id FROM api_keys
    WHERE tenant = $1 AND (revoked_at IS NOT NULL OR expires_at <= $2)
    ORDER BY created_at, id
    LIMIT 1
)
RETURNING id;

-- name: key_by_id
SELECT * FROM api_keys WHERE id = $1;

-- name: keys_of_tenant
SELECT * FROM api_keys
WHERE CAST($1 AS TEXT) IS NULL OR (tenant = $1 AND is_operator = 0)
ORDER BY created_at, id;

-- name: any_key
SELECT id FROM api_keys
WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1)
LIMIT 1;

-- name: revoke_key
-- The first revocation counts.
UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $3)
WHERE id = $1 AND (CAST($2 AS TEXT) IS NULL OR (tenant = $2 AND is_operator = 0))
RETURNING *;

-- name: rotate_key
UPDATE api_keys
SET previous_digest = digest, previous_until = $5, digest = $3, rotated_at = $4
WHERE id = $1 AND (CAST($2 AS TEXT) IS NULL OR (tenant = $2 AND is_operator = 0))
  AND revoked_at IS NULL
RETURNING *;

-- name: key_used
UPDATE api_keys SET last_used_at = $2
WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2);

-- name: insert_audit
INSERT INTO audit (id, at, tenant, key_id, address, action, object, detail)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (id) DO NOTHING;

-- name: audit_entries
SELECT * FROM audit
WHERE (CAST($1 AS TEXT) IS NULL OR tenant = $1)
  AND (CAST($2 AS TEXT) IS NULL OR action = $2)
  AND (CAST($3 AS TEXT) IS NULL OR object = $3)
  AND (CAST($4 AS TEXT) IS NULL OR key_id = $4)
  AND at >= $5
  AND (at < $6 OR (at = $6 AND id < $7))
ORDER BY at DESC, id DESC
LIMIT $8;

-- name: remove_audit
DELETE FROM audit
WHERE id IN (SELECT id FROM audit WHERE at < $1 ORDER BY at, id LIMIT $2)
RETURNING id;

-- name: insert_secret
INSERT INTO signing_secrets (id, secret, created_at) VALUES ($1, $2, $3)
ON CONFLICT (id) DO NOTHING;

-- name: newest_secrets
SELECT * FROM signing_secrets ORDER BY created_at DESC, id DESC LIMIT $1;

-- name: webhook_secret
SELECT * FROM webhook_secrets WHERE tenant = $1;

-- name: rotate_webhook_secret
INSERT INTO webhook_secrets (tenant, secret, created_at) VALUES ($1, $2, $3)
ON CONFLICT (tenant) DO UPDATE
SET previous_secret = webhook_secrets.secret,
    previous_until = $4,
    secret = excluded.secret,
    created_at = excluded.created_at
RETURNING *;
