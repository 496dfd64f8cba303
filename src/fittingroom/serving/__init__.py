"""What a person does with a trained model: ask it about photos, export it, serve it.

The map of the room::

    photo.py          a photo -> a picture of the kind that a model was trained on
    ground.py         the ground that a thing lies on in a photo
    parts.py          the connected parts of a shape
    preparation.py    what a model's own pictures look like
    novelty.py        how unlike everything known a picture is
    fitted.py         what was fitted for that on the run's data
    answering.py      a classifier with calibrated confidence and novelty: one module
    keeping.py        what was fitted for that, in the run's folder
    predictor.py      what answers: a run, or an exported file
    predict.py        photos in, answers out
    heat.py           what mattered for an answer
    figure.py         answers as a picture
    export.py         a run -> an ONNX file, checked
    onnx_file.py      answers by such a file, without torch
    server/           a page and an API
"""
