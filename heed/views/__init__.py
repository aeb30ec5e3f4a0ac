"""Pictures of attention: in the terminal with rich, in files with matplotlib."""
