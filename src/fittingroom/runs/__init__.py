"""Stage 5 and before: one folder for each run, written by `train` and read back by `open_run`."""
