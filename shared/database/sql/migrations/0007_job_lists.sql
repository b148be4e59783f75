-- What lists of jobs read, newest first: those of a state (`newest`), those of a name.
CREATE INDEX jobs_newest ON jobs (state, created_at, id);
CREATE INDEX jobs_newest_of_name ON jobs (filename, created_at, id);
