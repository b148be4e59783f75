"""The upload protocols, a folder each, and the dispatch between those that share a URL."""
