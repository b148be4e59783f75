"""The demo: one file through the real service, every total checked."""
