"""The review desk: look at ranked photographs in a browser, decide, and let the detector learn from it.

``project`` keeps photographs, scores and decisions in one folder; ``intake`` takes in what is dropped; ``scoring`` and
``learning`` run as processes of their own; ``desk`` is the page and ``server`` serves it.
"""
