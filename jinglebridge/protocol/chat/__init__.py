"""What stands beside the words of a message: receipts, ids, delays."""
