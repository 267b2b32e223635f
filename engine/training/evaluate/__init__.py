"""What a model has learned, as numbers with their intervals, and examples that it has earned."""
