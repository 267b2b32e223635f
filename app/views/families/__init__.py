"""One sentence, or one image, through every kind of model."""
