"""Stage `align`: the ECG encoder, against statements, measurements and text."""
