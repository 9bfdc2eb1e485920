"""Detectors: fitted on embeddings of labelled specimens, they score how likely a specimen is a hybrid.

``registry`` lists and makes them by name, ``fitting`` fits and calibrates one in a single call, ``base``
holds the contract they share. Importing this package imports none of them: scikit-learn is loaded when one
is made.
"""
