"""What the gateway talks about: requests, answers, models and their tensors."""
