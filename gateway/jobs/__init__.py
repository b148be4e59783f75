"""Jobs: show, list, follow, cancel and retry."""
