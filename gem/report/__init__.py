"""Floor 4, the judge: reports in sentences that can be checked, claims read from any text, and verdicts."""
