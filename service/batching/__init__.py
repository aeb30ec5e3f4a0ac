"""Which rows travel together, and when."""
