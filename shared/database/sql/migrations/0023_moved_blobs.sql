-- Whether the blob was moved from a storage server that was lost: bytes that were acknowledged may be missing.
ALTER TABLE blob_places ADD COLUMN moved INTEGER NOT NULL DEFAULT 0;
