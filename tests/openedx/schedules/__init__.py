"""The platform's app of this name."""
