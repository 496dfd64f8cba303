"""The web server: `fittingroom serve`. It needs the extra "serve".

A request on its way::

    running.py      sockets, signals, and the connection: headers in time, few enough connections
    guarding.py     counted, host and origin checked, headers of the response
    lingering.py    bodies that are not read
    app.py          the routes of the API          pages.py, reference.py   those of the pages
    contract.py     what the API promises          refusals.py              what it says otherwise
    uploads.py      a body -> pictures, in memory  multipart.py             of a form
    answers.py      pictures -> answers, by way of
    decoding.py       two threads that read pictures
    batching.py       one thread that answers, what arrived together in one go
    explaining.py     one thread that asks what mattered, behind the plain answers
    served.py       the models                     service.py               what requests share
    metrics.py      what is counted                page/                    the page itself
"""
