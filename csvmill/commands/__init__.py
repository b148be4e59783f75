"""The commands of `csvmill`."""
