"""The learned delineator: a small U-Net over all leads at once."""
