"""The bus that wakes processors up: on RabbitMQ, or inside one process."""
