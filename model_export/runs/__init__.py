"""Training runs on disk: written by training, read by evaluation and export."""
