"""Maths: arrays in, arrays out; forward and backward side by side.

The only user of Numba. A kernel keeps nothing, and changes none of its arguments but those that it
says it sets, moves or steps: room for a result, running statistics, parameters.

- ``arrays``: new ones, laid where vectors are fast
- ``blocks``: how arrays are cut, and shared out among threads
- ``moments``: count, mean, M2 of columns, and their merge
- ``batch_norm``: normalization of rows and of feature maps, alone or with a ReLU behind it;
  its compiled loops are ``batch_norm_loops``
- ``dense``: x W + b, of any size, by ``products`` of rows of floats or bytes: the blocked
  ``gathered_product``, and ``picked_product``, which leaves out terms that are 0, as ``masks`` say
- ``convolution``: that of images, with ``windows`` (where they stand) and the same product
- ``chain``: rows through dense layers, normalizations and activations in one call;
  ``chain_steps``: whole steps of training and measurements
- ``pooling``: maxima and means of windows; maxima of images while they are normalized
- ``threads``: how many compute, and how work is shared out among them
- ``activations``: ReLU, sigmoid, tanh
- ``dropout``: masks of the units that stay
- ``exponential``: that function, through vectors
- ``losses``: softmax cross-entropy, squared error
- ``updates``: the steps of the optimizers
"""
