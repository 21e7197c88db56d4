"""Between Jingle contents and session descriptions, both ways."""
