-- What the dead-letter queue is owed: a job that is FAILURE because its attempts were used up has
-- its message there, whatever was killed after the failure was on record.

-- Since when a FAILURE's message is due there, or when a relay last took it on; NULL: nothing is
-- due. It means nothing in any other state, as a release without this column does not clear it.
ALTER TABLE jobs ADD COLUMN dead_letter_due_at DOUBLE PRECISION;
-- When the broker confirmed that it is there.
ALTER TABLE jobs ADD COLUMN dead_lettered_at DOUBLE PRECISION;

-- What the relay reads (`take_dead_letter`): few jobs, if any.
CREATE INDEX jobs_dead_letters_due ON jobs (dead_letter_due_at, id)
    WHERE state = 'FAILURE' AND dead_letter_due_at IS NOT NULL;
