"""Sets of ECG pictures with exact labels, from any corpus the readers know."""
