"""Floor 5: where the writer and the judge meet, from a file to a verified report."""
