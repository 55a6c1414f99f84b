"""Text in, features out, from a saved file: needs NumPy, and onnxruntime where a model asks for it.

No TensorFlow, scikit-learn or pandas: ``pip install numpy``, then
``pip install --no-deps textcnn``.
"""

from textcnn.serving.models import ServedModel, load

__all__ = ["ServedModel", "load"]
