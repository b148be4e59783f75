-- Specs that a tenant has saved under names. Times are Unix seconds. An older version knows no names:
-- it refuses them.
CREATE TABLE specs (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    -- The spec as JSON, as in `jobs.aggregation`.
    aggregation TEXT NOT NULL,
    -- Another one after each change.
    version TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    changed_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- The name of the saved spec with which a job was created, as it was at that time.
ALTER TABLE jobs ADD COLUMN spec_name TEXT;
