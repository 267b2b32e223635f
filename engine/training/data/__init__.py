"""What is learned from: texts, grammars, pictures, and the batches of every step."""
