"""Values, ports and adapters that at least two services use (see README.md here)."""
