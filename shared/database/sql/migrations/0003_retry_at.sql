-- When a job that is RETRY may begin again; NULL: at once. It means nothing in any other state.
ALTER TABLE jobs ADD COLUMN retry_at DOUBLE PRECISION;
