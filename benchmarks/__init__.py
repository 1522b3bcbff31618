"""One script a figure that the README quotes."""
