"""One attempt at a job: claim, lease, run, progress, outcome, dead letter."""
