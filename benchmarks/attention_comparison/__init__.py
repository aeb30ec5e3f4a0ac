"""Every attention mechanism, trained under one budget on the same data, and what came of it."""
