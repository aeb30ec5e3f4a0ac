"""Trains attention models (Keras 3 on TensorFlow) and exports them for TensorFlow Serving."""
