"""The idea: two streams that attend to one another, and hierarchical distillation. Pure PyTorch."""
