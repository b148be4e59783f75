"""Timings, as ratios against a peer in the same run. Figures of one machine mean little alone."""
