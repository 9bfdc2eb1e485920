"""Make collections of *Heliconius*-like specimens whose truth is known.

Start at :func:`hybridwing.simulate.collection.simulate`.
"""
