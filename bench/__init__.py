"""The harness: from scans to records, one idempotent stage at a time."""
