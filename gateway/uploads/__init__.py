"""What happens to an upload, whatever the protocol: create, write, append, complete, cancel."""
