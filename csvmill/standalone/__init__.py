"""The standalone service: gateway, storage and processor in one process.

`local_service` runs it as a child process; `csvmill.standalone.app.serve` runs it in this one.
"""

from csvmill.standalone.child import ServiceFailed, local_service

__all__ = ["ServiceFailed", "local_service"]
