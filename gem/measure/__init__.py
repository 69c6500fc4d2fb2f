"""Floor 2: from a Recording to numbers with units, or to the reason why there is none."""
