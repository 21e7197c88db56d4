"""Session descriptions: typed values, and their text."""
