"""The models and their parts: norm, attention, MLP, block, embeddings; one stack, two, recurrent ones."""
