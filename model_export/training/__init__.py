"""Training: the loop, its checkpoints, and the runs it leaves behind."""
