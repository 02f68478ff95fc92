"""The graph view: one widget that draws a laid-out graph from arrays, culled, with a level of detail.

    canvas      the widget: mouse, keyboard, selection, overlays; what a panel puts on the screen
    marks       what lies over the picture: selection, hover, search, legends
    minimap     the whole graph in a corner
    frames      pictures of a view, painted at once when that is quick, else in a thread and swapped in
    painter     one picture from a scene and a view
    texts       labels, cut to fit, shaped once
    scene       the arrays sorted for culling; what is at a point
    camera      where one looks, and how one travels there
    heat        numbers on nodes as colours and badges
    families    op -> family -> colour

No QGraphicsItem: 100,000 boxes are a handful of arrays, handed to QPainter without copying. numpy is imported when the
first model arrives.
"""
