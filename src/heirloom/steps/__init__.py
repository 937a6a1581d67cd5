"""One module a step: read the inputs, call the pure function, write the artefact, its manifest and, last, its fingerprint.

The four functions themselves live in `mixing` and in the families; a step only knows files. Importing this package is cheap.
"""
