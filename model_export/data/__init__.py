"""Training data and the batches made from it."""
