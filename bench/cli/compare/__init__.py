"""``bench compare``."""
