"""Timings, relative to other tools in the same run: absolute figures depend on the machine."""
