"""Studies: settings x seeds, compared with intervals and tests."""
