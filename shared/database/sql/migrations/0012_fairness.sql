-- The turns in which tenants' jobs are claimed. An older version claims the job of a wake-up, and
-- knows no turns and no limits: its claims are not charged to a tenant, and do not wait for a turn.

-- Whether the job waits among the small ones: 0 for all older jobs, and those of older versions.
-- Their small ones are claimed by their own wake-ups, which say that they are small.
ALTER TABLE jobs ADD COLUMN small INTEGER NOT NULL DEFAULT 0;

-- The turn in which the job was last claimed: `claim_next` in turns.sql.
ALTER TABLE jobs ADD COLUMN turn DOUBLE PRECISION;

CREATE INDEX jobs_waiting ON jobs (small, tenant, created_at, id)
    WHERE state IN ('PENDING', 'RETRY');
CREATE INDEX jobs_running ON jobs (tenant, small) WHERE state = 'STARTED';
CREATE INDEX jobs_turns_of_tenant ON jobs (small, tenant, turn) WHERE turn IS NOT NULL;
CREATE INDEX jobs_turns ON jobs (small, turn) WHERE turn IS NOT NULL;

-- What differs for a tenant from what the settings say for all. NULL and a missing row: no
-- difference.
CREATE TABLE tenants (
    tenant TEXT PRIMARY KEY,
    -- The share of the tenant, relative to that of the others (1).
    weight INTEGER CONSTRAINT tenants_weight_is_positive CHECK (weight > 0),
    -- Jobs that run at a time; 0 for none.
    max_running INTEGER CONSTRAINT tenants_max_running_is_a_number CHECK (max_running >= 0)
);
