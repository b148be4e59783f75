"""Inspections of the start of a file, of an upload or of a sample that a client sends."""
