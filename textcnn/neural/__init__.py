"""The Keras backend shared by text and pictures: the only folder that trains networks."""
