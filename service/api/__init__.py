"""What every protocol of the gateway shares: messages and answers, errors, the way in."""
