"""What several protocols share: how files are declared, and how uploads are shown."""
