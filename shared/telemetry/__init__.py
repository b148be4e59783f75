"""What a service tells of itself: log lines, metrics, and the ids that tie them together."""
