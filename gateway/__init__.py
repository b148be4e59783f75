"""The public service: accepts chunks, reports the state of jobs, serves results; stateless."""
