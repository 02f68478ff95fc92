"""The parts of the Overlays panel: what to wear, how its colours are spread, and who is at the top."""
