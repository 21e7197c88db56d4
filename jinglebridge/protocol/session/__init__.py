"""One Jingle session as a state machine: requests in, events out; commands in, requests out."""
