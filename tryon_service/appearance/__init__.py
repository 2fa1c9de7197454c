"""A Person taken apart into layers, each with its hidden part completed."""
