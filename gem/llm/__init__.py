"""Language models by HTTP: one client, used by `data_gen` to write and by `eval` to judge. It knows nothing of ECGs."""
