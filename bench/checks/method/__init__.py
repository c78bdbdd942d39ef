"""What every method keeps, as checks that anybody's method can be held to."""
