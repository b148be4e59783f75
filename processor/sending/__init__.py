"""Sends results to object storage."""
