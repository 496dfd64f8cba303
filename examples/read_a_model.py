"""A run's model with nothing but torch and safetensors: what the file holds, without fittingroom.

Run it with `python examples/read_a_model.py runs/fashion-mnist-three-layer-seed0`.
"""

import json
import sys

import torch
from safetensors import safe_open

with safe_open(f"{sys.argv[1]}/model.safetensors", framework="pt") as file:
    classes = json.loads(file.metadata()["classes"])
    weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def scores(images: torch.Tensor) -> torch.Tensor:
    """Return the scores (B, 10) of uint8 images (B, 1, 28, 28): the three-layer network."""
    x = ((images / 255 - weights["preprocessing.mean"]) / weights["preprocessing.std"]).flatten(1)
    x = torch.relu(x @ weights["network.fc1.weight"].T + weights["network.fc1.bias"])
    x = torch.relu(x @ weights["network.fc2.weight"].T + weights["network.fc2.bias"])
    return x @ weights["network.fc3.weight"].T + weights["network.fc3.bias"]


picture = torch.zeros(1, 1, 28, 28, dtype=torch.uint8)
print("a black picture is taken for:", classes[int(scores(picture).argmax())])
