-- What is kept for a while only: from `expired_at` on, the bytes of a job may be removed.

-- An expired job never leaves its terminal state, which would set `finished_at` to NULL: no
-- attempt can begin whose input is being removed.
ALTER TABLE jobs ADD COLUMN expired_at DOUBLE PRECISION
    CONSTRAINT jobs_expired_when_terminal CHECK (expired_at IS NULL OR finished_at IS NOT NULL);

-- What the sweeper reads (`expire`): finished jobs whose bytes are still kept, oldest first.
CREATE INDEX jobs_to_expire ON jobs (finished_at, id)
    WHERE finished_at IS NOT NULL AND expired_at IS NULL;
