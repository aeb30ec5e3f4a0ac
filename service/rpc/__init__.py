"""The gRPC surface: messages in, messages out, errors as status codes with details."""
