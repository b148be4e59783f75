"""Head starts: uploads are aggregated while they are received."""
