"""What clients see of jobs, and do to them."""
