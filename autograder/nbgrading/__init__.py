"""The judge within nbgrader: its preprocessors, a whole class, a cluster."""
