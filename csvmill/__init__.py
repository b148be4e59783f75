"""The face that people install: the client, the command line, the standalone service."""
