#!/usr/bin/env python3
"""Trains, prunes and saves the page's sample: a ResNet-18 for 32x32x3 images of handwritten digits.

    python tools/sample/train_resnet18.py [--out demo/sample] [--goldens tests/data/sample]

README.md beside this file says what it writes and with which packages. Seeds and
TensorFlow's own order of operations are fixed, so a second run on the same
machine gives the same weights.
"""
import argparse
import json
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 18
SIZE = 32
HELD_OUT = 360
SPARSITY = 0.8
BATCH = 32
# Epochs of plain training, of pruning step by step, and of training what is left.
DENSE_EPOCHS, PRUNE_EPOCHS, TUNE_EPOCHS = 8, 10, 10
PEAK_RATE, TUNE_RATE = 2e-3, 1e-3
# What a runtime does with a picture's bytes: float32(byte) * SCALE + OFFSET.
SCALE, OFFSET = 1 / 128, -1.0


def upsample(images8):
    """scikit-learn's 8x8 images with values 0..16 -> bytes [N, 32, 32, 3], white on black."""
    x = tf.image.resize(images8[..., None] * (255 / 16), (SIZE, SIZE), method="bicubic")
    x = np.clip(np.rint(x.numpy()), 0, 255).astype(np.uint8)
    return np.repeat(x, 3, axis=-1)


def preprocess(pixels):
    return pixels.astype(np.float32) * np.float32(SCALE) + np.float32(OFFSET)


def augment(pixels, rng):
    """Shifts, stretches the contrast and inverts, so that dark-on-light drawings work as well."""
    out = np.empty_like(pixels)
    for i, image in enumerate(pixels):
        dy, dx = rng.integers(-3, 4, 2)
        shifted = np.zeros_like(image)
        shifted[max(dy, 0):SIZE + min(dy, 0), max(dx, 0):SIZE + min(dx, 0)] = \
            image[max(-dy, 0):SIZE + min(-dy, 0), max(-dx, 0):SIZE + min(-dx, 0)]
        ink, paper = rng.uniform(150, 255, 3), rng.uniform(0, 60, 3)
        if rng.random() < 0.3:
            ink, paper = np.full(3, 255.0), np.zeros(3)
        x = paper + shifted / 255 * (ink - paper)
        out[i] = np.clip(255 - x if rng.random() < 0.4 else x, 0, 255)
    return out


def conv_block(x, filters, name, kernel=3, stride=1, relu=True):
    x = layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False,
                      kernel_initializer="he_normal", name=name)(x)
    x = layers.BatchNormalization(momentum=0.9, name=name + "_bn")(x)
    return layers.ReLU(name=name + "_relu")(x) if relu else x


def resnet18(width=16):
    """He et al. 2015 for small images: a 3x3 stem, four stages of two basic blocks."""
    image = keras.Input((SIZE, SIZE, 3), name="image")
    x = conv_block(image, width, "stem")
    for stage in range(4):
        filters = width << stage
        for block in range(2):
            name = f"stage{stage + 1}_block{block + 1}"
            stride = 2 if stage and not block else 1
            y = conv_block(x, filters, name + "_conv1", stride=stride)
            y = conv_block(y, filters, name + "_conv2", relu=False)
            if stride != 1:
                x = conv_block(x, filters, name + "_shortcut", kernel=1, stride=stride, relu=False)
            x = layers.ReLU(name=name + "_relu")(layers.Add(name=name + "_add")([x, y]))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(10, activation="softmax", name="digit")(x), name="resnet18_digits")


class Pruner:
    """Keeps the largest weights of each kernel; what was cut stays cut."""

    def __init__(self, model):
        self.kernels = [layer.kernel for layer in model.layers if hasattr(layer, "kernel")]
        self.masks = [np.ones(k.shape, np.float32) for k in self.kernels]

    def cut(self, sparsity):
        for i, kernel in enumerate(self.kernels):
            values = np.abs(kernel.numpy() * self.masks[i])
            count = int(round(sparsity * values.size))
            order = np.argsort(values, axis=None, kind="stable")
            mask = np.ones(values.size, np.float32)
            mask[order[:count]] = 0
            self.masks[i] = mask.reshape(values.shape)
        self.apply()

    def apply(self):
        for kernel, mask in zip(self.kernels, self.masks):
            kernel.assign(kernel * mask)


def accuracy(model, pixels, labels):
    return int(np.sum(np.argmax(model.predict(preprocess(pixels), batch_size=60, verbose=0), axis=1) == labels))


def train(model, pixels, labels, log):
    rng = np.random.default_rng(SEED)
    epochs = DENSE_EPOCHS + PRUNE_EPOCHS + TUNE_EPOCHS
    steps = -(-len(pixels) // BATCH)
    pruner = Pruner(model)
    model.compile(keras.optimizers.Adam(PEAK_RATE),
                  keras.losses.CategoricalCrossentropy(label_smoothing=0.05), metrics=["accuracy"])
    targets = np.eye(10, dtype=np.float32)[labels]
    before_pruning = None
    for epoch in range(epochs):
        order = rng.permutation(len(pixels))
        x, y = preprocess(augment(pixels[order], rng)), targets[order]
        if epoch == DENSE_EPOCHS:
            before_pruning = log(epoch, "trained")
        for step in range(steps):
            if DENSE_EPOCHS <= epoch < DENSE_EPOCHS + PRUNE_EPOCHS and step % 15 == 0:
                # The cubic schedule of Zhu and Gupta 2017: fast at first, slow near the end.
                done = (epoch - DENSE_EPOCHS + step / steps) / (PRUNE_EPOCHS - 1)
                pruner.cut(SPARSITY * (1 - (1 - min(1.0, done)) ** 3))
            if epoch < DENSE_EPOCHS + PRUNE_EPOCHS:
                rate = PEAK_RATE * min(1.0, (epoch * steps + step + 1) / (2 * steps))
            else:
                left = 1 - (epoch - DENSE_EPOCHS - PRUNE_EPOCHS + step / steps) / TUNE_EPOCHS
                rate = TUNE_RATE * 0.5 * (1 - np.cos(np.pi * left)) + 1e-6
            model.optimizer.learning_rate.assign(rate)
            part = slice(step * BATCH, (step + 1) * BATCH)
            model.train_on_batch(x[part], y[part])
            pruner.apply()
        log(epoch, "")
    return before_pruning


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    parser.add_argument("--out", default=os.path.join(root, "demo", "sample"))
    parser.add_argument("--goldens", default=os.path.join(root, "tests", "data", "sample"))
    args = parser.parse_args()
    started = time.time()
    keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()

    digits = load_digits()
    pixels = upsample(digits.images.astype(np.float32))
    train_at, test_at = train_test_split(np.arange(len(pixels)), test_size=HELD_OUT,
                                         random_state=SEED, stratify=digits.target)
    test_at = np.sort(test_at)
    held_out, truth = pixels[test_at], digits.target[test_at]
    model = resnet18()

    # The held-out images are only looked at, never learned from nor used to choose a model.
    def log(epoch, what):
        right = accuracy(model, held_out, truth)
        print(f"epoch {epoch:2d} {what:8s} {right}/{len(truth)} held-out images right, "
              f"{time.time() - started:.0f} s", flush=True)
        return right

    before_pruning = train(model, pixels[train_at], digits.target[train_at], log)

    name = "resnet18-digits-p80"
    os.makedirs(os.path.join(args.out, "images"), exist_ok=True)
    path = os.path.join(args.out, name + ".h5")
    model.save(path, include_optimizer=False)
    model = keras.models.load_model(path, compile=False)  # what is measured is what was saved
    answers = model.predict(preprocess(held_out), batch_size=60, verbose=0)
    right = int(np.sum(np.argmax(answers, axis=1) == truth))

    images = []
    for digit in range(10):  # the first held-out image of each digit, whatever the model makes of it
        at = int(np.flatnonzero(truth == digit)[0])
        file = f"images/digit-{digit}.png"
        with open(os.path.join(args.out, file), "wb") as f:
            f.write(tf.io.encode_png(held_out[at], compression=9).numpy())
        images.append({"file": file, "expected": digit, "dataset_index": int(test_at[at])})

    kernels = [layer.kernel.numpy() for layer in model.layers if hasattr(layer, "kernel")]
    about = {
        "title": "ResNet-18 for handwritten digits, 80 % of its kernel weights pruned",
        "model": name + ".h5",
        "format": f"Keras {keras.__version__} .h5",
        "bytes": os.path.getsize(path),
        "input": {"name": "image", "shape": [None, SIZE, SIZE, 3]},
        "preprocessing": {"scale": SCALE, "offset": OFFSET, "formula": "float32(byte) * scale + offset"},
        "labels": [str(d) for d in range(10)],
        "accuracy": right / len(truth),
        "accuracy_correct": right,
        "accuracy_images": len(truth),
        "accuracy_before_pruning": before_pruning / len(truth),
        "parameters": model.count_params(),
        "kernel_weights": int(sum(k.size for k in kernels)),
        "zeros": int(sum((k == 0).sum() for k in kernels)),
        "dataset": "scikit-learn's load_digits (UCI optical recognition of handwritten digits), 8x8 upsampled to "
                   f"32x32x3; {len(train_at)} images to learn from, {len(test_at)} held out",
        "images": images,
    }
    with open(os.path.join(args.out, "sample.json"), "w") as f:
        json.dump(about, f, indent=2)
        f.write("\n")

    os.makedirs(args.goldens, exist_ok=True)
    write_safetensors(os.path.join(args.goldens, "held_out.safetensors"), {
        "pixels": np.ascontiguousarray(held_out[..., 0]),  # the three channels are equal
        "labels": truth.astype(np.int32),
        "probabilities": answers,
    })
    print(f"{os.path.normpath(path)}: {about['bytes']} bytes, {right}/{len(truth)} right, "
          f"{about['zeros']}/{about['kernel_weights']} kernel weights zero, {time.time() - started:.0f} s")


def write_safetensors(path, tensors):
    kinds = {"float32": "F32", "int32": "I32", "uint8": "U8"}
    header, at = {}, 0
    for key, value in tensors.items():
        header[key] = {"dtype": kinds[value.dtype.name], "shape": list(value.shape),
                       "data_offsets": [at, at + value.nbytes]}
        at += value.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        for value in tensors.values():
            f.write(np.ascontiguousarray(value).tobytes())


if __name__ == "__main__":
    main()
