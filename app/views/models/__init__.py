"""What each model is and how it learned."""
