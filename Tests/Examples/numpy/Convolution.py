# A convolution of 8 filters of 3 x 3 with an image of 64 x 64, as a product with the image's patches.
import numpy as np
from made_up import numbers

image = numbers(64, 64, 11)
filters = numbers(9, 8, 12)
patches = np.lib.stride_tricks.sliding_window_view(image, (3, 3)).reshape(62 * 62, 9)
result = np.maximum(patches @ filters, 0)
print(result.sum(), result[100, 3], result.max())
