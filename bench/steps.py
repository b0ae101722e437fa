"""Whole training and inference steps, eager: python bench/steps.py [NAME ...]"""

from __future__ import annotations

from functools import partial

import models
from limits import Case
from sidebyside import compare

CASES: dict[str, Case] = {
    **{f"LeNet, SGD, batch {batch}": partial(models.lenet, batch=batch)
       for batch in (1, 4, 64, 512)},
    "MLP, Adam, batch 64": partial(models.mlp, batch=64),
    "LSTM, f+b": models.recurrent,
    "GRU, packed lengths, f+b": models.packed_gru,
    "LSTMCell in a loop of 50, f+b": models.cell_loop,
    "transformer layer, f+b": models.transformer_layer,
    "ResNet-18 on 32 x 32, SGD": models.resnet18_step,
    "ResNet-18 on 224 x 224, inference": models.resnet18_inference,
    "small GPT, AdamW": models.gpt_step,
    "small GPT, next token": models.gpt_decode,
    "Adam, 10 million parameters": models.adam,
    "clip_grad_norm_, 10 million": models.clip,
}

if __name__ == "__main__":
    compare(CASES, "Steps")
