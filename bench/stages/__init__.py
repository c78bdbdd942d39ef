"""The steps of the protocol that compute something; none of them knows another."""
