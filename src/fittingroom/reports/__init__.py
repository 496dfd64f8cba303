"""The written report of a run, study or tuning: one HTML file, or Markdown with pictures beside it.

The map of the room::

    report.py        a run, study or tuning -> a file
    run_report.py    the report of a run, as a page and as Markdown
    run_view.py      its numbers, tables, charts and pictures
    run_story.py     what was done and what to mind, in sentences
    conclusions.py   what the numbers of one model say, as sentences, by rules
    repeat.py        how to repeat a run
    study_*.py, conclusions_study.py, repeat_study.py, names.py    the same for a study
    tuning_*.py, conclusions_tuning.py, repeat_tuning.py    the same for a tuning
    explorer.py      the confusion matrix whose cells show their pictures
    pictures.py      the pictures that a page shows, in one image
    charts/          curves, calibration, ranking, cost and trials, drawn as SVG
    page.py          sections -> one self-contained page
    markdown.py      escaping, and a text with its pictures, written
    texts.py         every sentence, in English and Korean; `texts/` holds them
    particles.py     Korean particles that fit the word before them
    formats.py       numbers as people read them
    templates/       the frames of the pages, their style and script
"""
