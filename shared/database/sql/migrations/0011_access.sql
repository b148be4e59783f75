-- API keys, the audit trail, and the secrets with which links to results are signed. Times are Unix
-- seconds. An older version knows none of these tables: it demands no key.
CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    -- Separated by spaces.
    scopes TEXT NOT NULL,
    -- 1: it also manages the keys of other tenants, and reads their audit trail.
    is_operator INTEGER NOT NULL DEFAULT 0,
    -- The SHA-256 of the key. The key itself is not stored.
    digest TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION,
    last_used_at DOUBLE PRECISION,
    revoked_at DOUBLE PRECISION,
    rotated_at DOUBLE PRECISION,
    -- The digest before the last rotation, and until when that key is valid too.
    previous_digest TEXT,
    previous_until DOUBLE PRECISION,
    CONSTRAINT api_keys_previous CHECK ((previous_digest IS NULL) = (previous_until IS NULL))
);

CREATE INDEX api_keys_of_tenant ON api_keys (tenant, created_at, id);

-- Rows are inserted, and removed when their retention ends, and never changed.
CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    at DOUBLE PRECISION NOT NULL,
    tenant TEXT NOT NULL,
    -- NULL without authentication.
    key_id TEXT,
    -- The address of the client, or `local` for a command on the machine of the database.
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    -- The id of the job, upload or key.
    object TEXT NOT NULL,
    detail TEXT
);

CREATE INDEX audit_of_tenant ON audit (tenant, at, id);
CREATE INDEX audit_at ON audit (at, id);

-- The newest one signs; the others still verify the links that they have signed.
CREATE TABLE signing_secrets (
    id TEXT PRIMARY KEY,
    secret TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL
);
