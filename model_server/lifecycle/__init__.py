"""Which versions of which models are wanted, loaded, served and unloaded."""
