"""From a call to its answer: check, tokenize, queue, run, trim, detokenize."""
