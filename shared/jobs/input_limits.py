"""How many inputs a job has, and how many of them its report shows. Clients know both."""

MAX_INPUTS = 1000
"""The most inputs of a job."""
SHOWN_INPUTS = 100
"""The number of files in a report. The records of all are counted."""
