"""Read CSV: from the bytes of a file to records.

    dialect      how a file is written: what its client declares, and what was detected
    compression  decompress, with a limit; by inflate and zip_member
    encoding     convert text to UTF-8
    records      divide UTF-8 text into records, strictly; by grammar, positions and faults
    problems     a bad record: its position, what was found and what was expected

docs/csv.md describes it for users.
"""
