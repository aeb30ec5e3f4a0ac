"""The HTTP surface: the same messages as JSON, errors as google.rpc.Status, pages for operators."""
