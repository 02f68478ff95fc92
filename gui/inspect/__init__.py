"""Pages of a node, a tensor and a model: what each says, row by row, and how the ends of a model are edited in place."""
