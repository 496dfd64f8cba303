"""Train a network of your own: any torch.nn.Module that maps (B, C, H, W) to scores (B, K).

Run it with `python examples/own_network.py` or, from within this folder, with
`fittingroom train --model own_network:Wide --epochs 3`.
"""

from torch import Tensor, nn

import fittingroom as fr


class Wide(nn.Module):
    """One hidden layer, as wide as you like, with dropout."""

    def __init__(self, input_shape: tuple[int, int, int], num_classes: int, width: int = 512):
        super().__init__()
        channels, height, wide = input_shape
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(channels * height * wide, width),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(width, num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores."""
        return self.layers(x)


if __name__ == "__main__":
    run = fr.train(Wide, fr.load("auto"), epochs=3)
    print(f"{run.evaluation.accuracy:.2%} on the test pictures of {run.evaluation.data_name}")
