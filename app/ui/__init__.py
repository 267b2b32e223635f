"""What steps and pages are made of."""
