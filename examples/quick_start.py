"""The founding notebook in five lines: load, train, evaluate. Takes under a minute."""

import fittingroom as fr

data = fr.load("auto")  # Fashion-MNIST, or the built-in sketches where it cannot be had
run = fr.train("three-layer", data, epochs=5)
print(run.evaluation)
print(f"everything lies in {run.folder}")
