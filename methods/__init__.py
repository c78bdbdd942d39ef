"""The contestants: one file a method, one table that names them, one interface that they keep."""
