"""Training a model of this project from a folder of text: `python -m engine.training FOLDER`."""
