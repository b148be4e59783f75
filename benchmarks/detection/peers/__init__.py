"""Programs that read the files of a folder, each with one peer."""
