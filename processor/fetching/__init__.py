"""Fetches the inputs of jobs from URLs and from object storage, into ordinary uploads."""
