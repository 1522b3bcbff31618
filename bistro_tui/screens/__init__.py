"""Textual screens: each arranges widgets and turns keys into control calls."""
