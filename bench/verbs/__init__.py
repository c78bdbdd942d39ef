"""What each verb of the command line does, in plain Python; the words themselves are in ``bench.cli``."""
