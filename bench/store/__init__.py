"""The folder of all results: stages, runs, integrity, provenance."""
