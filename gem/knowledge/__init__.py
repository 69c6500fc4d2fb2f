"""Floor 3: cited criteria over measurements, and the findings that follow."""
