"""How models are trained: options, loops, checkpoints."""
