-- Whether `progress_rows` is an estimate: 1 if it is. NULL where a version of before has written it,
-- which knew no estimates.
ALTER TABLE jobs ADD COLUMN progress_rows_estimated INTEGER;
