"""The command line: the same functions as the window, in a straight line."""
