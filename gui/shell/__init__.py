"""What the window is made of: bars, menus, docks, messages, and the way in for models."""
