"""Exports a trained model as a version that TensorFlow Serving loads, and verifies it."""
