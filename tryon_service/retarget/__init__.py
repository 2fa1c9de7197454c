"""A shopper's pose put on the model's own body."""
