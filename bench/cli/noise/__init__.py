"""``bench noise``."""
