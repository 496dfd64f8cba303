"""Stage 3 of the notebook: the recipe of a run and the loop that follows it."""
