"""Drawn people with exactly known joints and masks: the demo, and the ground truth of many tests."""
