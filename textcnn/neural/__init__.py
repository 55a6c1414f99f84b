"""The Keras backend shared by text and images: the only folder that trains networks."""
