"""The commands of `csvmill`, one module for those that belong together."""
