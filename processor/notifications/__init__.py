"""Sends notifications of the outcomes of jobs to the URLs that clients have named (webhooks)."""
