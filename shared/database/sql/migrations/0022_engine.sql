-- Where a job is to be computed: auto, local or spark. An older version decides by size alone.
ALTER TABLE jobs ADD COLUMN engine TEXT NOT NULL DEFAULT 'auto';
