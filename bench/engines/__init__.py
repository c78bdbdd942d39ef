"""Where stages run: each engine takes task keys and answers with outcomes."""
