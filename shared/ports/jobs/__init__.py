"""The port to the job store, by what its users do with it."""
