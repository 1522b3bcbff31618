"""What is known of each task: bits, arithmetic and the durable store."""
