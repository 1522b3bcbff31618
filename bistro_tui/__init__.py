"""A local scheduler for jobs × nodes under hierarchical resource limits, with a UI."""

__version__ = "0.1.0"
