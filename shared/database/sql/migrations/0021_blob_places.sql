-- Which of several storage servers receives a blob. Only used where there are several; a complete blob has
-- no row. Times are Unix seconds.
CREATE TABLE blob_places (
    key TEXT PRIMARY KEY,
    -- The URL of the storage server. NULL: the blob was deleted while a server was away.
    server TEXT,
    -- The fencing token: grows with each change of the server.
    epoch BIGINT NOT NULL,
    -- 0 until the server to which the blob was moved has adopted it.
    settled INTEGER NOT NULL,
    -- JSON: size, sha256 and metadata, as declared.
    declared TEXT NOT NULL,
    changed_at DOUBLE PRECISION NOT NULL
);

CREATE INDEX blob_places_changed ON blob_places (changed_at);
