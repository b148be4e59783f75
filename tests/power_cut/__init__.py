"""What a power cut leaves: the system calls of a real service, replayed on a disk with a cache."""
