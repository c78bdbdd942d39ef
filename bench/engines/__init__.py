"""Where stages run: each engine takes stage documents and answers with outcomes."""
