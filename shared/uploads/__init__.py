"""Uploads, as far as the gateway and the processors both handle them."""
