"""Features and predictions from a saved file with NumPy only, or onnxruntime for some networks.

No TensorFlow, scikit-learn or pandas: ``pip install numpy``, then
``pip install --no-deps textcnn``. Calling :class:`PartitionTransform` also needs pandas.
"""

from textcnn.serving.models import ServedModel, load
from textcnn.serving.partitions import PartitionTransform

__all__ = ["PartitionTransform", "ServedModel", "load"]
