"""The bus on RabbitMQ (3.10 or newer)."""
