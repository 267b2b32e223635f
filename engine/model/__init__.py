"""The models, made of parts: norm, attention, MLP, block, embeddings; a stack, two stacks, a recurrent pair."""
