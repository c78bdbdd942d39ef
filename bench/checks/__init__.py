"""Every check that a user asks for: of the machine, a store, data, a method, a result."""
