"""Data sets: one file each, and the cases and fingerprints that they share."""
