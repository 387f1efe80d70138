"""Slow, obvious float64 twins of the kernels, and of a whole network. Nothing here is normlab's."""
