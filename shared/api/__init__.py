"""The JSON answers of the public API: one dataclass an object, for gateway, document and client."""
