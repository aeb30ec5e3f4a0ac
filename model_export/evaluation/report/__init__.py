"""`heed evaluate --report`: a page about a model, without a network and without scripts."""
