-- Whose job it is, and whose upload. An older version inserts rows without it: they are those of
-- the tenant `default`, the only one that it knows. So run no other tenant before all services know
-- this column. Its lists show the jobs of all tenants.
ALTER TABLE jobs ADD COLUMN tenant TEXT NOT NULL DEFAULT 'default';
ALTER TABLE head_starts ADD COLUMN tenant TEXT NOT NULL DEFAULT 'default';

-- What lists of jobs read, instead of `jobs_newest` and `jobs_newest_of_name`, which serve older
-- versions.
CREATE INDEX jobs_newest_of_tenant ON jobs (tenant, state, created_at, id);
CREATE INDEX jobs_newest_of_tenant_and_name ON jobs (tenant, filename, created_at, id);
