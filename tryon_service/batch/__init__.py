"""Whole catalogues, re-rendered in a set of poses: resumable, every row accounted for."""
