"""The settings of a run, and how they are read and written."""
