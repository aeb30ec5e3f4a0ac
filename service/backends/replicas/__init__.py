"""Several model servers that serve the same models: found, watched, and chosen among."""
