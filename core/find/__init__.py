"""What stands where in a graph: queries in words and filters, ways along the links, and patterns of several nodes.

All of it works on a `GraphIndex` (`catalogue.Catalogue` makes one ready) and on `facts.Facts`, which hold what the index does not.
"""
