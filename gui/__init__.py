"""The desktop window: it draws what `core` knows and asks `core` to do the work; nothing here computes.

    app                             QApplication, start-up, command line of `sardonyx-gui`
    window                          the main window: what it opens, what is in front, how it closes
    shell                           its bars, menus (read from the action table), docks, messages, the start of a model
    panels palette dialogs          views; a panel is one new file in `panels/`; panels never import each other
    race engines steps graph plots weights inspect   what panels are made of: drawing takes plain arrays
    actions context                 the action table; what every panel is given
    widgets forms table             pieces; a form is generated from params
    jobs document notify follow turns     background work, questions to the open model, one funnel for messages
    theme icons figures selection garbage   colours, line icons, numbers as words, what is selected, when to collect

numpy, onnx, onnxruntime, pyqtgraph and netron are imported when first used, never at start-up (a test looks at
`sys.modules` after the first paint).
"""
