"""The gRPC services. Each method converts, calls and converts back; nothing is decided here."""
