"""The models that make_models.py makes: one function a case, with the layers in it that the case is about.

A function takes the framework (keras or tf_keras) and its layers, so that the
same words serve Keras 2 and 3. Shapes are odd and small on purpose.
"""
from dataclasses import dataclass
from typing import Callable

import numpy as np

CASES = []


@dataclass
class Case:
    name: str
    build: Callable
    kind: str
    channels_first: bool = False
    zeros: float = 0.0          # share of kernel weights set to zero
    input_mean: float = 0.0
    input_scale: float = 1.0
    refused_by_tensorflow: bool = False
    free_sizes: list = None     # for each sample the sizes of free dimensions besides the batch


def case(kind, **options):
    def add(build):
        CASES.append(Case(build.__name__, build, kind, **options))
        return build
    return add


def bn(L, **options):
    return L.BatchNormalization(**options)


# ------------------------------------------------------------- convolutions

@case("keras2-h5")
def conv2d_strides_and_padding(k, L):
    """SAME with an even and an odd remainder, VALID, fused relu, a stride of its own in each direction"""
    x = k.Input((9, 12, 3), name="x")
    y = L.Conv2D(6, 3, strides=2, padding="same", activation="relu")(x)
    return k.Model(x, L.Conv2D(4, (2, 3), strides=(1, 2), padding="valid", name="conv")(y))


@case("keras3-keras")
def conv2d_dilated_and_grouped(k, L):
    """dilation, groups and a 1x1 without bias"""
    x = k.Input((11, 9, 4), name="x")
    y = L.Conv2D(6, 3, dilation_rate=2, padding="same", activation="relu")(x)
    y = L.Conv2D(8, 3, groups=2, padding="same")(y)
    return k.Model(x, L.Conv2D(5, 1, use_bias=False, name="conv")(y))


@case("keras3-h5")
def conv2d_batchnorm_folded(k, L):
    """batch normalisation and activations after convolutions fold into them"""
    x = k.Input((8, 8, 3), name="x")
    y = L.ReLU(max_value=6.0)(bn(L)(L.Conv2D(6, 3, padding="same", use_bias=False)(x)))
    y = L.LeakyReLU()(bn(L, scale=False)(L.Conv2D(5, 3, activation="linear")(y)))
    y = L.Conv2DTranspose(4, 3, strides=2, padding="same")(y)
    return k.Model(x, L.Activation("tanh", name="y")(bn(L, center=False, epsilon=1e-2)(y)))


@case("keras2-h5")
def batchnorm_before_conv(k, L):
    """batch normalisation before a padded convolution must not fold into it; a branch keeps its own values"""
    x = k.Input((6, 7, 3), name="x")
    y = L.Conv2D(4, 3, padding="same", activation="relu")(bn(L)(x))
    z = L.Conv2D(4, 1)(y)
    return k.Model(x, L.Add(name="sum")([bn(L)(z), z]))


@case("keras3-h5")
def depthwise_conv2d(k, L):
    """multiplier, stride, dilation, and folding into a depthwise kernel"""
    x = k.Input((9, 9, 3), name="x")
    y = L.DepthwiseConv2D(3, depth_multiplier=2, padding="same", activation="relu6")(x)
    y = bn(L)(L.DepthwiseConv2D(3, strides=2, padding="same", use_bias=False)(y))
    return k.Model(x, L.DepthwiseConv2D(2, dilation_rate=2, padding="same", name="depthwise")(y))


@case("keras2-keras")
def separable_conv(k, L):
    """separable convolutions in one and two dimensions"""
    x = k.Input((8, 10, 3), name="x")
    y = L.SeparableConv2D(5, 3, strides=2, padding="same", depth_multiplier=2, activation="relu")(x)
    y = L.Reshape((20, 5))(y)
    return k.Model(x, L.SeparableConv1D(4, 3, padding="same", activation="tanh", name="separable")(y))


@case("keras3-keras")
def conv2d_transpose(k, L):
    """SAME and VALID with strides, a kernel smaller than the stride, output padding"""
    x = k.Input((4, 5, 3), name="x")
    a = L.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu", name="same")(x)
    b = L.Conv2DTranspose(3, 2, strides=3, padding="valid", name="valid")(x)
    c = L.Conv2DTranspose(2, 3, strides=2, padding="same", output_padding=0, use_bias=False, name="output_padding")(x)
    return k.Model(x, [a, b, c])


@case("keras2-h5")
def conv1d(k, L):
    """causal, strided and dilated convolutions of sequences"""
    x = k.Input((17, 4), name="x")
    y = L.Conv1D(6, 3, padding="causal", dilation_rate=2, activation="relu")(x)
    y = L.Conv1D(5, 4, strides=2, padding="same")(y)
    return k.Model(x, L.Conv1D(3, 2, activation="exponential", name="conv")(y))


@case("keras3-h5")
def conv1d_transpose_and_depthwise(k, L):
    """transposed and depthwise convolutions of sequences"""
    x = k.Input((7, 3), name="x")
    y = L.Conv1DTranspose(4, 3, strides=2, padding="same", activation="relu")(x)
    return k.Model(x, L.DepthwiseConv1D(3, depth_multiplier=2, padding="same", name="depthwise")(y))


@case("keras3-keras", free_sizes=[(8, 8), (11, 6)])
def free_height_and_width(k, L):
    """height and width are free: each sample has its own"""
    x = k.Input((None, None, 3), name="image")
    y = L.Conv2D(6, 3, strides=2, padding="same", activation="relu")(x)
    y = L.MaxPooling2D(2, padding="same")(bn(L)(y))
    return k.Model(x, L.Dense(4, activation="softmax", name="classes")(L.GlobalAveragePooling2D()(y)))


# ----------------------------------------------------- dense and activations

@case("keras3-h5")
def dense_of_every_rank(k, L):
    """inputs of rank 2, 3 and 4, with and without bias, batch normalisation behind"""
    a, b, c = k.Input((7,), name="a"), k.Input((5, 6), name="b"), k.Input((2, 3, 4), name="c")
    x = bn(L, name="normalised")(L.Dense(5, activation="relu")(a))
    return k.Model([a, b, c], [x, L.Dense(4, name="rank3")(b), L.Dense(3, use_bias=False, activation="tanh", name="rank4")(c)])


@case("keras3-keras")
def batchnorm_alone(k, L):
    """nothing to fold into: over the last axis and over axis 1"""
    x = k.Input((4, 5, 3), name="x")
    return k.Model(x, [bn(L, name="last")(x), bn(L, axis=1, scale=False, name="first")(x)])


@case("keras2-h5", input_scale=3.0)
def activations_keras2(k, L):
    """every activation by name, as Keras 2 defines it"""
    x = k.Input((4, 6), name="x")
    names = ("elu gelu hard_sigmoid linear mish relu selu sigmoid softmax softplus softsign "
             "swish tanh").split()
    return k.Model(x, [L.Activation(n, name="a_" + n)(x) for n in names])


@case("keras3-keras", input_scale=3.0)
def activations_keras3(k, L):
    """every activation by name, as Keras 3 defines it"""
    x = k.Input((4, 6), name="x")
    names = ("celu elu gelu glu hard_shrink hard_sigmoid hard_silu hard_tanh leaky_relu linear "
             "log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign "
             "sparse_plus sparse_sigmoid squareplus tanh tanh_shrink").split()
    return k.Model(x, [L.Activation(n, name="a_" + n)(x) for n in names])


@case("keras3-h5", input_scale=2.0)
def activation_layers_keras3(k, L):
    """activations that are layers, with their options"""
    x = k.Input((3, 5, 4), name="x")
    return k.Model(x, [
        L.LeakyReLU(negative_slope=0.1, name="leaky")(x), L.PReLU(shared_axes=[1, 2], name="prelu")(x),
        L.ELU(alpha=0.5, name="elu")(x), L.Softmax(axis=1, name="softmax_1")(x),
        L.ReLU(max_value=2.0, negative_slope=0.1, threshold=0.5, name="relu")(x)])


@case("keras2-h5", input_scale=2.0)
def activation_layers_keras2(k, L):
    """the same in Keras 2's words, and what only Keras 2 has"""
    x = k.Input((3, 5, 4), name="x")
    return k.Model(x, [
        L.LeakyReLU(alpha=0.1, name="leaky")(x), L.PReLU(name="prelu")(x), L.ELU(name="elu")(x),
        L.ThresholdedReLU(theta=0.7, name="thresholded")(x), L.ReLU(max_value=1.0, name="relu1")(x),
        L.Softmax(name="softmax")(x)])


# ------------------------------------------------------ pooling and geometry

@case("keras2-h5")
def pooling2d(k, L):
    """SAME leaves the padding out of the average; windows that overlap; global ones"""
    x = k.Input((9, 7, 3), name="x")
    return k.Model(x, [
        L.MaxPooling2D(3, 2, padding="same", name="max_same")(x), L.AveragePooling2D(3, 2, padding="same", name="average_same")(x),
        L.MaxPooling2D((2, 3), name="max_valid")(x), L.AveragePooling2D(2, 1, name="average_valid")(x),
        L.GlobalMaxPooling2D(name="global_max")(x), L.GlobalAveragePooling2D(keepdims=True, name="global_average")(x)])


@case("keras3-keras")
def pooling1d(k, L):
    """the same for sequences"""
    x = k.Input((11, 3), name="x")
    return k.Model(x, [
        L.MaxPooling1D(3, 2, padding="same", name="max_same")(x), L.AveragePooling1D(2, name="average_valid")(x),
        L.AveragePooling1D(4, 3, padding="same", name="average_same")(x),
        L.GlobalMaxPooling1D(keepdims=True, name="global_max")(x), L.GlobalAveragePooling1D(name="global_average")(x)])


@case("keras3-h5")
def geometry2d(k, L):
    """padding, cropping, upsampling; a padding that a convolution follows"""
    x = k.Input((6, 5, 3), name="x")
    y = L.ZeroPadding2D(((1, 2), (0, 3)))(x)
    return k.Model(x, [
        L.Conv2D(4, 3, strides=2, name="padded_conv")(y), L.Cropping2D(((1, 0), (2, 1)), name="cropped")(x),
        L.UpSampling2D((2, 3), name="nearest")(x), L.UpSampling2D(2, interpolation="bilinear", name="bilinear")(x)])


@case("keras2-json+weights")
def geometry1d(k, L):
    """the same for sequences, from a JSON of the architecture and a file of weights"""
    x = k.Input((8, 3), name="x")
    y = L.Conv1D(4, 3, name="conv")(L.ZeroPadding1D((2, 1))(x))
    return k.Model(x, [L.Cropping1D((1, 2), name="cropped")(y), L.UpSampling1D(2, name="upsampled")(y)])


@case("keras3-json+weights")
def shapes(k, L):
    """flatten, reshape with a free size, permute, repeat"""
    x = k.Input((4, 6, 2), name="x")
    y = L.Reshape((-1, 4), name="reshaped")(L.Permute((2, 3, 1))(x))
    z = L.RepeatVector(3, name="repeated")(L.Dense(5)(L.Flatten()(x)))
    return k.Model(x, [y, z])


# -------------------------------------------------------------------- merges

@case("keras3-h5")
def merges(k, L):
    """every merge layer, with operands that broadcast"""
    a, b, c = k.Input((3, 4), name="a"), k.Input((3, 4), name="b"), k.Input((1, 4), name="c")
    return k.Model([a, b, c], [
        L.Add(name="add")([a, b, c]), L.Subtract(name="subtract")([a, c]), L.Multiply(name="multiply")([a, b, c]),
        L.Average(name="average")([a, b, c]), L.Maximum(name="maximum")([a, b]), L.Minimum(name="minimum")([a, c]),
        L.Concatenate(axis=1, name="concatenate")([a, b, c]), L.Concatenate(name="concatenate_last")([a, b])])


@case("keras2-h5")
def dot_products(k, L):
    """Dot over vectors and matrices, plain and normalised (cosine)"""
    a, b = k.Input((4, 5), name="a"), k.Input((6, 5), name="b")
    u, v = k.Input((7,), name="u"), k.Input((7,), name="v")
    return k.Model([a, b, u, v], [L.Dot(axes=2, name="matrices")([a, b]), L.Dot(axes=1, normalize=True, name="cosine")([u, v])])


@case("keras3-json+weights")
def nothing_at_inference(k, L):
    """layers that do nothing outside training leave no operator behind"""
    x = k.Input((5, 6, 3), name="x")
    y = L.GaussianNoise(0.3)(L.SpatialDropout2D(0.4)(L.Dropout(0.5)(x)))
    y = L.Conv2D(4, 3, activation="relu")(y)
    y = L.ActivityRegularization(0.01)(L.AlphaDropout(0.1)(L.GaussianDropout(0.2)(y)))
    return k.Model(x, L.Activation("linear", name="y")(L.Dense(3)(y)))


# ------------------------------------------------------------- preprocessing

@case("keras3-keras", input_mean=120.0, input_scale=50.0)
def preprocessing_keras3(k, L):
    """rescaling with a scalar and per channel, normalisation, resizing of both kinds"""
    x = k.Input((6, 7, 3), name="image")
    return k.Model(x, [
        L.Rescaling(1 / 127.5, offset=-1, name="rescaled")(x),
        L.Normalization(mean=[110.0, 120.0, 130.0], variance=[900.0, 1600.0, 2500.0], name="normalised")(x),
        L.Normalization(mean=120.0, variance=2500.0, invert=False, axis=None, name="normalised_all")(x),
        L.Resizing(9, 4, interpolation="nearest", name="nearest")(x),
        L.Resizing(5, 13, interpolation="bilinear", name="bilinear")(x)])


@case("keras2-h5", input_mean=120.0, input_scale=50.0)
def preprocessing_keras2(k, L):
    """the same from Keras 2"""
    x = k.Input((6, 7, 3), name="image")
    y = L.Rescaling(1 / 255)(L.Resizing(12, 9)(x))
    return k.Model(x, [L.Conv2D(4, 3, strides=2, activation="relu", name="conv")(y),
                       L.Normalization(mean=[0.5, 1.5, 2.5], variance=[1.0, 4.0, 9.0], name="normalised")(x)])


# ------------------------------------------------------------------- formats

@case("keras2-h5")
def sequential_keras2(k, L):
    """Sequential, compiled: optimizer weights and a training configuration lie beside"""
    m = k.Sequential([k.Input((8, 8, 1), name="x"), L.Conv2D(4, 3, activation="relu"), bn(L), L.MaxPooling2D(), L.Flatten(),
                      L.Dropout(0.3), L.Dense(5, activation="softmax", name="classes")])
    m.compile("adam", "categorical_crossentropy")
    m.train_on_batch(np.ones((4, 8, 8, 1), np.float32), np.eye(5, dtype=np.float32)[:4])
    return m


@case("keras3-h5")
def sequential_keras3(k, L):
    """Sequential in Keras 3"""
    return k.Sequential([k.Input((8, 8, 1), name="x"), L.Conv2D(4, 3, activation="relu"), bn(L), L.MaxPooling2D(), L.Flatten(),
                         L.Dropout(0.3), L.Dense(5, activation="softmax", name="classes")])


def nested_and_shared(k, L):
    """a model inside a model inside a model, called twice, with weights kept out of training"""
    cell_in = k.Input((6, 6, 4))
    cell = k.Model(cell_in, L.ReLU()(bn(L)(L.Conv2D(4, 3, padding="same")(cell_in))), name="cell")
    inner = k.Sequential([k.Input((6, 6, 4)), cell, L.Conv2D(4, 1, name="mix"), bn(L)], name="inner")
    inner.layers[1].trainable = False
    a, b = k.Input((6, 6, 4), name="left"), k.Input((6, 6, 4), name="right")
    shared = L.Dense(3, activation="tanh", name="shared")
    pooled = [L.GlobalAveragePooling2D()(inner(v)) for v in (a, b)]
    return k.Model([a, b], [shared(pooled[0]), L.Subtract(name="difference")([shared(p) for p in pooled])])


for suffix, kind in (("keras2_h5", "keras2-h5"), ("keras3_h5", "keras3-h5"), ("keras3_keras", "keras3-keras"),
                     ("keras2_keras", "keras2-keras")):
    CASES.append(Case("nested_and_shared_" + suffix, nested_and_shared, kind))


@case("keras3-keras-deflated")
def deflated_archive(k, L):
    """a .keras that was unpacked and packed again: its members are deflated"""
    x = k.Input((6, 6, 2), name="x")
    return k.Model(x, L.Dense(3, name="y")(L.Flatten()(L.Conv2D(4, 3, activation="relu")(x))))


@case("keras3-keras", refused_by_tensorflow=True)
def names(k, L):
    """names with spaces, slashes' neighbours, letters of other alphabets; inputs and outputs not in alphabetic order"""
    z, a = k.Input((4,), name="zuerst"), k.Input((4,), name="Bild größe")
    y = L.Dense(3, name="层 1.kernel")(z)
    w = L.Dense(3, name="b-2_(x)")(L.Concatenate(name="a:b")([z, a]))
    return k.Model([z, a], [w, y, a])


@case("keras2-h5", channels_first=True)
def channels_first_keras2(k, L):
    """channels first from end to end, and what comes after a Flatten sees that order"""
    x = k.Input((3, 8, 9), name="x")
    y = L.Conv2D(4, 3, padding="same", data_format="channels_first", activation="relu")(x)
    y = bn(L, axis=1)(y)
    y = L.MaxPooling2D(2, data_format="channels_first")(y)
    y = L.ZeroPadding2D(1, data_format="channels_first")(y)
    y = L.DepthwiseConv2D(3, data_format="channels_first")(y)
    return k.Model(x, [L.Dense(4, name="classes")(L.Flatten()(y)),
                       L.GlobalAveragePooling2D(data_format="channels_first", name="average")(y)])


@case("keras3-keras", channels_first=True)
def channels_first_keras3(k, L):
    """the same in Keras 3, with a residual link, and a Flatten that knows the order"""
    x = k.Input((3, 6, 8), name="x")
    y = L.Conv2D(4, 3, padding="same", data_format="channels_first", use_bias=False)(x)
    y = L.ReLU()(bn(L, axis=1)(y))
    z = L.Conv2D(4, 1, data_format="channels_first")(y)
    y = L.AveragePooling2D(2, data_format="channels_first")(L.Add()([y, z]))
    y = L.UpSampling2D(2, data_format="channels_first")(y)
    return k.Model(x, L.Dense(3, name="classes")(L.Flatten(data_format="channels_first")(y)))


# ------------------------------------------------------------- architectures

def residual_net(k, L):
    """a small residual network with four of five kernel weights zero; sparse as the real converter writes it"""
    def block(x, filters, stride):
        y = L.ReLU()(bn(L)(L.Conv2D(filters, 3, stride, padding="same", use_bias=False)(x)))
        y = bn(L)(L.Conv2D(filters, 3, padding="same", use_bias=False)(y))
        if stride != 1:
            x = bn(L)(L.Conv2D(filters, 1, stride, padding="same", use_bias=False)(x))
        return L.ReLU()(L.Add()([x, y]))
    x = k.Input((12, 12, 3), name="image")
    y = L.ReLU()(bn(L)(L.Conv2D(8, 3, padding="same", use_bias=False)(x)))
    y = L.GlobalAveragePooling2D()(block(block(y, 8, 1), 16, 2))
    return k.Model(x, L.Dense(10, activation="softmax", name="classes")(y))


CASES.append(Case("pruned_residual", residual_net, "keras3-h5", zeros=0.8))


@case("keras2-h5")
def mobile_net(k, L):
    """inverted residuals with a squeeze-and-excitation block and hard activations"""
    def unit(x, kernel):
        y = L.ReLU(6.0)(bn(L)(L.Conv2D(12, 1, use_bias=False)(x)))
        y = L.ReLU(6.0)(bn(L)(L.DepthwiseConv2D(kernel, padding="same", use_bias=False)(y)))
        s = L.Dense(4, activation="relu")(L.Reshape((1, 1, 12))(L.GlobalAveragePooling2D()(y)))
        y = L.Multiply()([y, L.Dense(12, activation="hard_sigmoid")(s)])
        return L.Add()([x, bn(L)(L.Conv2D(6, 1, use_bias=False)(y))])
    x = k.Input((10, 10, 3), name="image")
    y = L.Conv2D(6, 3, 2, padding="same", activation="swish")(x)
    y = unit(y, 5)
    return k.Model(x, L.Dense(7, activation="softmax", name="classes")(L.GlobalAveragePooling2D()(y)))


@case("keras3-keras")
def u_net(k, L):
    """down, up by transposed convolution and by resizing, joined; two outputs"""
    x = k.Input((8, 8, 2), name="image")
    a = L.Conv2D(4, 3, padding="same", activation="relu")(x)
    b = L.Conv2D(6, 3, padding="same", activation="relu")(L.MaxPooling2D()(a))
    c = L.Conv2D(8, 3, padding="same", activation="relu")(L.MaxPooling2D()(b))
    d = L.Concatenate()([L.Conv2DTranspose(6, 2, strides=2)(c), b])
    e = L.Concatenate()([L.UpSampling2D(interpolation="bilinear")(d), a])
    return k.Model(x, [L.Conv2D(1, 1, activation="sigmoid", name="mask")(e), L.Dense(3, name="classes")(L.GlobalMaxPooling2D()(c))])


# ------------------------------------------------------ functions on tensors

def slices(k):
    x = k.Input((6, 8, 3), name="x")
    rows = x[:, 1:-1, ::2]
    back = x[:, ::-1, -3::-2, 1:]
    one = x[..., 0]
    corner = x[:, -1, 2]
    raised = x[:, None, 1:3, ..., -1]
    return k.Model(x, [rows, back, one, corner, raised])


@case("keras2-h5")
def slices_keras2(k, L):
    """x[...] with ranges, steps, indices, an ellipsis and new axes"""
    return slices(k)


@case("keras3-keras")
def slices_keras3(k, L):
    """the same as operations of keras.ops"""
    return slices(k)


@case("keras2-h5")
def functions_keras2(k, L):
    """TensorFlow's functions on tensors: what moves elements, arithmetic, reductions"""
    import tensorflow as tf
    x = k.Input((4, 6, 2), name="x")
    y = tf.pad(L.Conv2D(3, 3, padding="same")(x), ((0, 0), (1, 1), (0, 2), (0, 0)))
    y = tf.transpose(tf.reshape(y, (-1, 8, 6, 3)), (0, 2, 1, 3))
    y = tf.concat([y, 2 - y * y], axis=-1)
    raised = tf.squeeze(tf.tile(tf.expand_dims(y, 1), (1, 1, 2, 1, 1)), [1])
    first, second, third = tf.split(y, [1, 3, -1], axis=3)
    left, right = tf.split(y, 2, axis=1)
    padded = tf.pad(tf.pad(first, ((0, 0), (2, 1), (0, 3), (0, 0)), mode="REFLECT"), ((0, 0), (0, 0), (1, 0), (0, 0)),
                    constant_values=1.5)
    scaled = tf.clip_by_value(tf.nn.leaky_relu(second) / 3 - 0.1, -0.5, 0.75)
    stacked = tf.reverse(tf.stack([left, right], axis=1), [2])
    parts = tf.unstack(tf.slice(third, [0, 1, 2, 0], [-1, 2, 4, -1]), axis=1)
    summed = tf.reduce_sum(tf.floor(y) + tf.nn.softmax(y, axis=1) + tf.nn.gelu(y), axis=(1, 2), keepdims=True)
    larger = tf.nn.depth_to_space(tf.concat([y, y], axis=-1)[..., :8], 2)
    return k.Model(x, [raised, padded, scaled, stacked, *parts, summed, larger])


@case("keras3-keras")
def functions_keras3(k, L):
    """keras.ops on tensors: what moves elements, arithmetic, reductions"""
    ops = k.ops
    x = k.Input((4, 6, 2), name="x")
    y = ops.pad(L.Conv2D(3, 3, padding="same")(x), ((0, 0), (1, 1), (0, 2), (0, 0)))
    y = ops.transpose(ops.reshape(y, (-1, 8, 6, 3)), (0, 2, 1, 3))
    y = ops.concatenate([y, 2 - y * y], axis=-1)
    raised = ops.squeeze(ops.tile(ops.expand_dims(y, 1), (1, 1, 2, 1, 1)), 1)
    first, second, third = ops.split(y, [1, 4], axis=3)
    left, right = ops.split(y, 2, axis=1)
    padded = ops.pad(ops.pad(first, ((0, 0), (2, 1), (0, 3), (0, 0)), mode="reflect"), ((0, 0), (0, 0), (1, 0), (0, 0)),
                     constant_values=1.5)
    scaled = ops.clip(ops.leaky_relu(second) / 3 - 0.1, -0.5, 0.75)
    stacked = ops.flip(ops.stack([left, right], axis=1), axis=2)
    moved = ops.moveaxis(ops.swapaxes(third, 1, 2), 3, 1)
    summed = ops.sum(ops.floor(y) + ops.softmax(y, axis=1) + ops.gelu(y), axis=(1, 2), keepdims=True)
    product = ops.max(ops.prod(ops.sin(y), axis=-1), axis=1)
    return k.Model(x, [raised, padded, scaled, stacked, moved, summed, product])
