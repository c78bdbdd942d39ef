"""A broken method: there is none."""


class Nothing:
    pass
