"""Background tasks that repair and clean up: relay, sweeper, orphan recovery."""
