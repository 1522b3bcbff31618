"""The pure scheduling core: events in, actions out."""
