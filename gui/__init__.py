"""The desktop window: it draws what `core` knows and asks `core` to do the work; nothing here computes.

    app                             QApplication, start-up, command line of `sardonyx-gui`
    window                          the main window: docks from PANELS, menus from the action table, status bar
    panels palette dialogs          views; a panel is one new file in `panels/`; panels never import each other
    actions context                 the action table; what every panel is given
    plots graph forms table         drawing: plain arrays in
    jobs document notify theme selection icons   background work, one funnel for messages, colours, what is selected

numpy, onnx, onnxruntime, pyqtgraph and netron are imported when first used, never at start-up (a test looks at
`sys.modules` after the first paint).
"""
