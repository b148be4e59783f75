"""The standalone service: all in one process, or as a child process of another."""
