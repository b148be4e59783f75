"""Adapters of the Blobs port that keep bytes themselves."""
