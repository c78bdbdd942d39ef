"""The command line: one file a command, with its options, one call and its output."""
