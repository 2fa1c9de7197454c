"""Poses without people: what is kept of a shopper's photo, how it travels, and good poses of our own."""
