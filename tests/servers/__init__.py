"""Private PostgreSQL and RabbitMQ servers that tests start, pause, kill and restart.

Each listens on free loopback ports only, keeps everything in a temporary folder, runs as an
unprivileged user when tests run as root, and leaves nothing behind. Why these are not
`pytest-postgresql` and `pytest-rabbitmq`: docs/decisions/0001-test-servers.md.
"""
