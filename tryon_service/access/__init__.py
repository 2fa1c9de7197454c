"""Who may do what, and how often: API keys, widget tokens, signed links, use counts and rate limits."""
