"""Every printed cell of the paper as data, what of it adds up, and how our measurements stand to it."""
