-- Which bytes a job reads, if its upload is sent again after they were removed: the version of the
-- blob, and the digest that the client had declared. Both are NULL for jobs that an older version
-- has created: then nothing is known of their bytes.
ALTER TABLE jobs ADD COLUMN input_version TEXT;
ALTER TABLE jobs ADD COLUMN input_sha256 TEXT;
