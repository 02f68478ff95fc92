"""What the ONNX Runtime backend stands on: its errors in plain words, its providers, its layers as nodes of the model."""
