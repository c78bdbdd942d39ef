"""``bench run``."""
