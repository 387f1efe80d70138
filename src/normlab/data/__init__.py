"""INPUT. Images and labels as arrays, and mini-batches of them; knows nothing of networks.

::

    dataset.py   Dataset: training and test arrays that belong together, read-only
    pixels.py    images kept as bytes, until rows of them are taken
    mnist.py     load_mnist: the bundled MNIST, or a folder of files like it
    folder.py    which file of a folder is which
    idx.py       read_idx: one IDX file, checked against its real size before it is read
    labels.py    one_hot: class indices -> one-hot rows
    batches.py   batches: row numbers, one mini-batch after the other
    mnist/       the four files of MNIST, with their licence
"""

from normlab.data.batches import batches
from normlab.data.dataset import Dataset
from normlab.data.idx import read_idx
from normlab.data.labels import one_hot
from normlab.data.mnist import load_mnist

__all__ = ["Dataset", "batches", "load_mnist", "one_hot", "read_idx"]
