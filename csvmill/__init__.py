"""csvmill as users install it: client, command line and standalone service."""
