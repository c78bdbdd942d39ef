"""``bench tune``."""
