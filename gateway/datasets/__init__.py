"""Datasets: complete uploads, of which jobs are asked."""
