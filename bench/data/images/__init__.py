"""Image files: formats, headers, grids, resampling."""
