-- How far the attempt `progress_attempt` has come. Of any attempt but the job's latest it means
-- nothing: so that a new attempt begins at 0 whichever version of the code claims it.
ALTER TABLE jobs ADD COLUMN progress_attempt INTEGER;
ALTER TABLE jobs ADD COLUMN progress_bytes BIGINT;
ALTER TABLE jobs ADD COLUMN progress_rows BIGINT;
-- Bytes a second.
ALTER TABLE jobs ADD COLUMN progress_rate DOUBLE PRECISION;
