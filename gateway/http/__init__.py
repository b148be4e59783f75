"""What the gateway adds to HTTP, whatever the protocol: errors, forms, digests, CORS, spooling."""
