"""``bench methods``."""
