"""Results: download, rejects and preview."""
