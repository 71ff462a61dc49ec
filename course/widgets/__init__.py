"""Widgets: controls, a pure compute function, one persistent figure.

    controls (ipywidgets)  ->  compute(**values) -> state  ->  Frame.png(state)  ->  browser

``explorer`` joins the parts, ``frame`` draws, and each lesson's widgets lie in the module of its
name: compute functions, views, and one function per widget that a notebook calls in one line.
Still figures lie in ``course.figures``; ``course.comparison`` takes a student's function.
"""
