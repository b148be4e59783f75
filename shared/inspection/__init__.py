"""Detect the dialect of a file from its first bytes, and summarize its content.

open_text   the dialect and the text of a file that a job reads
inspect     dialect, columns and problems, shown to the client; the check of a header
detect      the dialect of a sample; by western (encoding), sniff (delimiter, quotes, line ends) and
            header
sniff       compares readings, by the quotes that occur; doubts says why none is certain
columns     the types of columns
sample      the first bytes of a file
"""
