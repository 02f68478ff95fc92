"""Steps: the tree of what they made, and the page on which one is prepared and applied."""
