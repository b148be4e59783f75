"""The simple solution: Python's `csv` module and a dict that holds every group in memory."""

import csv
import sys
from pathlib import Path

source, target = map(Path, sys.argv[1:])
totals: dict[tuple[str, str], int] = {}
with source.open(encoding="utf-8", newline="") as file:
    reader = csv.reader(file)
    next(reader)
    for song, date, plays in reader:
        totals[song, date] = totals.get((song, date), 0) + int(plays)
with target.open("w", encoding="utf-8", newline="") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("Song", "Date", "Total Number of Plays for Date"))
    # Code points sort in the same order as their UTF-8 bytes.
    writer.writerows((*key, totals[key]) for key in sorted(totals))
