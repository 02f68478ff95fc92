"""Views of one weight, from which the panel of weights is made: each reads by itself, piece by piece, while it is seen."""
