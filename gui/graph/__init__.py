"""The graph view: one widget that draws a laid-out graph from arrays, culled, with a level of detail.

    canvas      the widget that a panel puts on the screen: selection, search, hover; hands turns events into these
    viewer      what it shows and from where: view, flights, overlay, painting
    bars        small bars that float over it: zoom
    find        the find bar and the list of what was found (examples: its help); finder: what goes on between it and the canvas
    searching   queries asked of the whole graph, answered here, in a thread or by the model's process; tracing: ways through it
    layouts     the graph as it is folded now, made in the background, once for all panels
    nesting     frames of open groups, and what tells a folded one; crumbs: where one is among them
    overlays    what is worn, for all panels (offers: what could be); badges, scales: how it is drawn
    marks       what lies over the picture: selection, hover, search, legends
    minimap     the whole graph in a corner
    commands    what can be done with a box, a link, the ground: actions, and the context menu made of them
    copying     nodes as text; export: pictures as files
    frames      pictures of a view, painted at once when that is quick, else in a thread and swapped in
    painter     one picture from a scene and a view
    closer      what a box says from close by; thumbs: the pictures of weights in it
    edge_labels shapes of tensors on their links
    texts       labels, cut to fit, shaped once; pens: lines as wide at every zoom
    scene       the arrays sorted for culling; what is at a point
    camera      where one looks; motion: how one travels there
    paths tips  where an arrow key leads; what a tooltip says
    histogram   the values of one weight
    heat        numbers on nodes as colours and badges
    families    op -> family (of `core.layout`)

No QGraphicsItem: 100,000 boxes are a handful of arrays, handed to QPainter without copying. numpy is imported when the
first model arrives.
"""
