"""The page Train: how the numbers came to be."""
