"""Bytes to pixels and back: limits, decoding, frames, composition, encoding."""
