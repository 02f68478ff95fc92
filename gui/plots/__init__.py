"""Plots: plain arrays in, a widget out. They know nothing of sessions, engines or files.

library     pyqtgraph and numpy, imported in the background before the first plot needs them
series      growing arrays with a pyramid of extremes; latencies counted in logarithmic bins
base        what every plot has: legend, empty state, theme, save as PNG or SVG, copy as CSV
live        latency over time        histogram  how latencies are spread
bars        values with intervals    scatter    two measures against each other, with the Pareto front
"""
