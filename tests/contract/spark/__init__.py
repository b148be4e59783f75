"""Large files on a real Spark cluster."""
