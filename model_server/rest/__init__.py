"""The REST API: HTTP and JSON to the same calls, and the metrics' page."""
