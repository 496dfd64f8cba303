"""An exported model with nothing but onnxruntime, NumPy and Pillow: no torch, no fittingroom.

Run it with `python examples/answer_anywhere.py model.onnx picture.png`, a picture of the model's
own kind: for Fashion-MNIST 28x28, light on black. Photos are prepared by `fittingroom predict`.
"""

import json
import sys

import numpy as np
import onnxruntime
from PIL import Image

session = onnxruntime.InferenceSession(sys.argv[1])
about = session.get_modelmeta().custom_metadata_map
classes, fitted = json.loads(about["classes"]), json.loads(about["fitted"])
images = np.asarray(Image.open(sys.argv[2]).convert("L"))[None, None]
probabilities, novelty = session.run(None, {"images": images})
print(classes[probabilities[0].argmax()], f"{probabilities[0].max():.1%}")
if novelty[0] > fitted["threshold"]:
    print("but it is unlike everything that the model has learned from")
