"""What a scheduler shows, as JSON: whole pictures, what changed in them, answers."""
