"""The main page: one prompt, or one image, step by step."""
