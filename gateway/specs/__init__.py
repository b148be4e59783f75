"""Specs that a tenant saves under names."""
