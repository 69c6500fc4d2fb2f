"""Floor 1: from a file to a Recording that can be trusted, and how far."""
