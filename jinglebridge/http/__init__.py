"""The page, its configuration and the way to Prosody, from one origin."""
