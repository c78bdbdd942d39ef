"""A broken method: a line that is not Python."""

class Broken
