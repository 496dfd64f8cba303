"""Stage 1 of the notebook: from files to labelled pictures in memory. Nothing here needs torch.

The map of the room::

    dataset.py        ImageDataset, DataSplits: pictures, labels, names, validation, fingerprint
    sources.py        load(): a data set by name or path
    paths.py          what lies at a path, recognised by content
    files.py          folders of files, gzip undone; archives.py the same for zips
    reading.py        what a reader found -> DataSplits
    idx.py            MNIST's format
    tables.py         Kaggle's CSV; csv_bytes.py parses it
    npz.py            arrays in one file
    folders.py        one folder of pictures a class; pictures.py reads one picture
    fashion_mnist.py  what is known of Fashion-MNIST itself
    download.py       fetch it, checked
    sketches/         the built-in set, drawn
    inspection.py     what is in a data set, and is it sound
    display.py        what Jupyter shows: tables, here and in the rooms above
"""

from fittingroom.data.dataset import DataSplits, ImageDataset
from fittingroom.data.sources import load

__all__ = ["DataSplits", "ImageDataset", "load"]
