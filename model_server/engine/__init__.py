"""TensorFlow's own session and tensors, reached through its C API. The only native code here."""
