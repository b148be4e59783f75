-- A job whose result was deleted, and whose input is kept. An older version does not know it: it
-- answers requests for such a result as if storage had lost it.

ALTER TABLE jobs ADD COLUMN result_deleted_at DOUBLE PRECISION
    CONSTRAINT jobs_with_a_result_to_delete CHECK (result_deleted_at IS NULL OR state = 'SUCCESS');

-- The bytes that do not count towards a tenant's quota, although `jobs_stored_bytes` has them.
CREATE INDEX jobs_deleted_bytes ON jobs (tenant, result_size, rejects_size)
    WHERE result_deleted_at IS NOT NULL AND expired_at IS NULL;
