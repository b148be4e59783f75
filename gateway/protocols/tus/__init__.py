"""The tus protocol 1.0.0."""
