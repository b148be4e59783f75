"""Blobs in a folder of this machine: an adapter of the Blobs port."""
