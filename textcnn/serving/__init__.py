"""Text in, features out, from a saved file: needs NumPy, and onnxruntime where a model asks for it.

No TensorFlow, scikit-learn or pandas: ``pip install numpy``, then
``pip install --no-deps textcnn``. :class:`PartitionTransform` also needs pandas when it is called.
"""

from textcnn.serving.models import ServedModel, load
from textcnn.serving.partitions import PartitionTransform

__all__ = ["PartitionTransform", "ServedModel", "load"]
