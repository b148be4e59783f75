"""What a CSV file means: from its bytes to records.

    dialect      the values: what is known of a file, and what it turned out to be
    problems     what is wrong with a record, and where
    compression  compressed bytes -> bytes, bounded; by inflate, zip_member
    encoding     bytes in some encoding -> UTF-8
    records      UTF-8 -> records of fields, strictly; by grammar, places
    detect       the first bytes -> the dialect; by sample, layout, header
    inspection   what is shown of that; by column_summary

docs/csv.md says it for users.
"""
