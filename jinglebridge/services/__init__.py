"""What a called JID reaches: one service, one file."""
