"""What can still be read of a damaged database, into a new file."""
