"""Tests of `gateway.datasets`."""
