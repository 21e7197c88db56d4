"""The XMPP side, on slixmpp: the component, its link to the server, what its JIDs say."""
