"""Suites that measure the product and write a page of figures and pictures."""
