"""Data sets larger than memory: many small IDX files and an index, of which pictures are read.

The map of the room::

    layout.py    which files there are, how they are called and how long they are
    index.py     shards.json: classes, numbers of pictures, SHA-256 of every file
    digests.py   these SHA-256, and the fingerprint of the set
    reading.py   a folder of shards -> a reading whose pictures stay in their files
    writing.py   pictures, in any order -> a folder of shards

`data/on_disk.py` reads the pictures themselves.
"""
