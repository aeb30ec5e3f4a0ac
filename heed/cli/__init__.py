"""The command `heed`."""
