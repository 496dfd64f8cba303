"""What answering for photos takes: one in a new process, and a folder of 10,000."""

from __future__ import annotations

import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from measuring import data_folder
from row import Found, Quantity, Row, Size, Turn

PLAIN = "a loop over the pictures, torch and Pillow"
PLAIN_LOOP = """
import pathlib, sys
import numpy as np, torch
from PIL import Image
import fittingroom as fr
model = fr.Classifier.load(sys.argv[1])
for path in sorted(pathlib.Path(sys.argv[2]).iterdir()):
    pixels = np.asarray(Image.open(path).convert("L").resize((28, 28)))
    with torch.inference_mode():
        scores = model(torch.tensor(pixels)[None, None]).softmax(1)[0]
    print(path.name, model.classes[int(scores.argmax())], float(scores.max()))
"""


def ask(turn: Turn, model: str, what: str) -> Found:
    """Call `fittingroom predict` once, and return its seconds from start to end."""
    place = prepared(turn)
    words = ["-m", "fittingroom", "predict", str(place / model), str(place / what), "--csv"]
    return timed(words)


def ask_plainly(turn: Turn) -> Found:
    """Call the loop that a user would write."""
    place = prepared(turn)
    return timed(["-c", PLAIN_LOOP, str(place / "run" / "model.safetensors"), str(place / "many")])


def timed(words: list[str]) -> Found:
    """Call Python."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    return {"seconds": time.perf_counter() - started}


def prepared(turn: Turn) -> Path:
    """Return the folder with a run, its export and photos; made once for all turns."""
    count = turn.options.get("pictures", 10_000)
    place = turn.folder.parent / f"prepared-{count}"
    if not (place / "ready").exists():
        program = f"from rows.photos import make; make({str(place)!r}, {count})"
        here = str(Path(__file__).parent.parent)
        subprocess.run([sys.executable, "-c", program], check=True, cwd=here)
    return place


def make(place: str, count: int) -> None:
    """Train a run, export it, and write `count` test pictures and one photo."""
    import numpy as np
    from PIL import Image

    import fittingroom as fr

    folder = Path(place)
    data = fr.load(data_folder())
    run = fr.train(fr.recipe("fast"), data, out=folder, name="run", figures=False)
    fr.export(run, folder / "model.onnx", data=data)
    (folder / "many").mkdir()
    for number in range(count):
        picture = Image.fromarray(data.test.images[number % len(data.test), 0])
        picture.save(folder / "many" / f"{number:05}.png")
    large = np.kron(255 - data.test.images[0, 0], np.ones((40, 40), np.uint8))
    Image.fromarray(np.pad(large, 200, constant_values=255)).save(folder / "photo.jpg")
    (folder / "ready").touch()


ROW = Row(
    name="photos",
    title="fittingroom predict: seconds from the call to the end of a new process",
    ways={
        "one photo, by a run": partial(ask, model="run", what="photo.jpg"),
        "one photo, by its ONNX file": partial(ask, model="model.onnx", what="photo.jpg"),
        "10,000 pictures in a folder, by a run": partial(ask, model="run", what="many"),
        "10,000 pictures, by its ONNX file": partial(ask, model="model.onnx", what="many"),
        PLAIN: ask_plainly,
    },
    full=Size(5),
    quick=Size(3, note="3 turns of 5"),
    tiny=Size(1, options={"pictures": 20}),
    quantities=(Quantity("seconds", "s"),),
)
