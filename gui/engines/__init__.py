"""Engines as the window shows them: their names, the list of what was built, the choice of a backend."""
