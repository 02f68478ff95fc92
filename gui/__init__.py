"""The desktop window: it draws what `core` knows and asks `core` to do the work; nothing here computes.

    app                             QApplication, start-up, command line of `sardonyx-gui`
    window                          the main window: opens models, holds the parts, closes in order
    docks commands opening          where panels stand; the window's own actions; from a path to a session
    panels palette dialogs          views; a panel is one new file in `panels/`; panels never import each other
    topbar statusbar toasts menus   the shell around them; menus, keys and tooltips read from the action table
    actions context                 the action table's row; what every panel is given
    plots graph forms table         drawing: plain arrays in; `fields` are a form's editors, `rows` and `empty` a panel's parts
    jobs document notify            background work; one funnel for messages
    theme icons selection figures   colours and fonts; what is selected; figures as people write them
    ranking garbage                 how well a typed text fits; Qt objects die on the main thread

numpy, onnx, onnxruntime, pyqtgraph and netron are imported when first used, never at start-up (a test looks at
`sys.modules` after the first paint).
"""
