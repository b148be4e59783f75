-- What tenants may use. An older version reserves nothing and limits no tenant.

-- NULL: as the settings say for all.
ALTER TABLE tenants ADD COLUMN max_bytes BIGINT
    CONSTRAINT tenants_max_bytes_is_a_number CHECK (max_bytes >= 0);
ALTER TABLE tenants ADD COLUMN max_uploads INTEGER
    CONSTRAINT tenants_max_uploads_is_a_number CHECK (max_uploads >= 0);
ALTER TABLE tenants ADD COLUMN max_upload_size BIGINT
    CONSTRAINT tenants_max_upload_size_is_a_number CHECK (max_upload_size >= 0);
ALTER TABLE tenants ADD COLUMN max_waiting INTEGER
    CONSTRAINT tenants_max_waiting_is_a_number CHECK (max_waiting >= 0);
ALTER TABLE tenants ADD COLUMN requests_per_second DOUBLE PRECISION
    CONSTRAINT tenants_requests_per_second_is_positive CHECK (requests_per_second > 0);

-- Uploads in progress, and the bytes that they may need. It counts until the upload has a job, whose
-- row then tells its size.
CREATE TABLE reservations (
    upload_id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    reserved_at DOUBLE PRECISION NOT NULL
);

CREATE INDEX reservations_of_tenant ON reservations (tenant, bytes);
CREATE INDEX reservations_by_age ON reservations (reserved_at, upload_id);

-- The bytes of a tenant's jobs, without reading the jobs.
CREATE INDEX jobs_stored_bytes ON jobs (tenant, input_size, result_size, rejects_size)
    WHERE expired_at IS NULL AND state <> 'REVOKED';
