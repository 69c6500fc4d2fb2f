"""A language model as judge of free texts, for the public tasks that are defined by one. Everything else here needs none."""
