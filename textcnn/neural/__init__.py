"""Training of networks, shared by text and images."""
