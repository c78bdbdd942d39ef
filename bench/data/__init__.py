"""Volumes, data sets, splits and patches: what the methods learn from."""
