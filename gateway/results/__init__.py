"""Downloads of results and rejects, and previews."""
