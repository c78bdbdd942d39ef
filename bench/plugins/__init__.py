"""Methods that are not of this repository: files that a user names, and packages that are installed."""
