"""Batching: requests that wait together run together, by TensorFlow Serving's rules."""
