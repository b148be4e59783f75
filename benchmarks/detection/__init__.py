"""How csvmill and other readers find out how a file is written: docs/csv.md."""
