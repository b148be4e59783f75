"""The demo: aggregate a file with the real service, and check every total."""
