"""Stage 1 of the notebook: from files to labelled pictures. Nothing here needs torch.

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
    shards/           many IDX files with an index, for sets larger than memory
    on_disk.py        pictures that stay in such files
    passes.py         ways through all pictures, piece by piece
    fashion_mnist.py  what is known of Fashion-MNIST itself
    download.py       fetch it, checked
    sketches/         the built-in set, drawn
    inspection.py     what is in a data set, and is it sound; duplicates.py finds equal pictures
    display.py        what Jupyter shows: tables, here and in the rooms above
"""

from fittingroom.data.dataset import DataSplits, ImageDataset
from fittingroom.data.sources import load

__all__ = ["DataSplits", "ImageDataset", "load"]
