"""Notifications of the outcomes of jobs: list them, and send again what was given up."""
