"""The paper: tables, figures and one page from the records of a benchmark, and nothing else.

Importing this package imports none of its modules, so that naming it stays cheap; import the module that you
need.
"""
