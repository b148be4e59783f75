"""The use cases of uploads, for every protocol: create, write, append, complete, cancel."""
