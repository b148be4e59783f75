"""Running a service as a process: event loop, signals, shutdown, health, files."""
