"""One loaded version of a model: what it can do, and how a request becomes a run of its session."""
