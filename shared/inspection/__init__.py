"""What a file is, judged by its beginning: dialect, header, columns."""
