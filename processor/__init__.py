"""The processor: consumes wake-ups, claims jobs, aggregates, writes results, records outcomes."""
