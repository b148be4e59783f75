"""The standalone service: gateway, storage and processor in one process.

`csvmill.standalone.child.local_service` runs it as a child process;
`csvmill.standalone.app.serve` runs it in this one.
"""
