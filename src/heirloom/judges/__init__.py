"""Judges: who scores the rows that a model has written. `bench` asks them, `commands` asks a program, `measures` reads a row by itself.

What is kept by the scores is decided elsewhere (`heirloom.selection`).
"""
