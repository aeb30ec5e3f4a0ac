"""Who may call, how much, and how connections are kept secret."""
