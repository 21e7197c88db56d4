"""How a JID says what it can do: service discovery and its short form in presence."""
