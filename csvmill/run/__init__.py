"""`csvmill run`: a file in, its totals out, continued wherever it was interrupted."""
