"""What computes aggregations: the engine port, and the engines behind it."""
