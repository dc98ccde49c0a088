"""What the product knows about questions, contexts, windows and spans: pure, NumPy only."""
