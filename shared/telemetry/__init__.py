"""Log lines, metrics, and the ids that connect them."""
