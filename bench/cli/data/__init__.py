"""``bench data``."""
