"""Training: the loop, its checkpoints, and how it is resumed."""
