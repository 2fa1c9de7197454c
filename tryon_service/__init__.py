"""Try-on for product cards: the card's model in the shopper's pose, or a clear refusal.

Importing this loads nothing heavy.
"""

__version__ = "0.1.0"
