"""Private PostgreSQL and RabbitMQ servers that tests start, pause, kill and restart.

Each listens on free loopback ports only, keeps its files in a temporary folder that is removed at
the end, and runs as an unprivileged user when tests run as root.
docs/decisions/0001-test-servers.md explains why they do not come from `pytest-postgresql` and
`pytest-rabbitmq`.
"""
