"""From a call to its answer: check, tokenise, queue, run, trim, detokenise."""
