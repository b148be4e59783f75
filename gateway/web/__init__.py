"""The page: what a browser shows of the service."""
