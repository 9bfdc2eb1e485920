"""Make collections of *Heliconius*-like specimens whose truth is known.

Start at `hybridwing.simulate.collection.simulate`.
"""
