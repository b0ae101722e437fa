"""An LSTM that learns which word follows which.

    rushlight run examples/word_language_model.py

Teaches: a vocabulary, text as columns of a batch, truncated backpropagation through time (the state
is detached between pieces), gradient clipping, tied weights, a learning rate that falls when the
validation loss does not, perplexity. The text is made here by a small grammar in which verbs agree
with their subjects across a clause. A model that knows only how often each word occurs has a
perplexity of about 17; this one must fall below 6.
"""

import math
import random
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

NOUNS = {"one": "cat dog bird king child", "many": "cats dogs birds kings children"}
VERBS = {"one": "sees hears likes follows", "many": "see hear like follow"}
COLOURS = "small old quiet red"


def sentence():
    """A sentence as words, such as "the old king that sees the cats likes a small bird ." """

    def noun(number):
        article = random.choice(("the", "a")) if number == "one" else "the"
        colour = [random.choice(COLOURS.split())] if random.random() < 0.4 else []
        return [article, *colour, random.choice(NOUNS[number].split())]

    def either():
        return random.choice(("one", "many"))

    number = either()
    words = noun(number)
    if random.random() < 0.4:
        words += ["that", random.choice(VERBS[number].split()), *noun(either())]
    return [*words, random.choice(VERBS[number].split()), *noun(either()), "."]


def corpus(words):
    """At least that many words."""
    text = []
    while len(text) < words:
        text += sentence()
    return text


class RNNModel(nn.Module):
    """Embedding, LSTM, and a decoder that shares the embedding's weights."""

    def __init__(self, ntoken, ninp, nlayers, dropout=0.1):
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(ntoken, ninp)
        self.rnn = nn.LSTM(ninp, ninp, nlayers, dropout=dropout)
        self.decoder = nn.Linear(ninp, ntoken)
        self.decoder.weight = self.encoder.weight
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)
        self.ninp, self.nlayers = ninp, nlayers

    def forward(self, words, hidden):
        output, hidden = self.rnn(self.drop(self.encoder(words)), hidden)
        return self.decoder(self.drop(output)), hidden  # (time, batch, tokens)

    def init_hidden(self, batch):
        weight = next(self.parameters())
        shape = (self.nlayers, batch, self.ninp)
        return weight.new_zeros(shape), weight.new_zeros(shape)


def batchify(ids, batch):
    """(words / batch, batch): each column a piece of the text."""
    length = ids.size(0) // batch
    return ids.narrow(0, 0, length * batch).view(batch, -1).t().contiguous()


def pieces(source, bptt=20):
    """Inputs and targets, `bptt` words at a time."""
    for i in range(0, source.size(0) - 1, bptt):
        length = min(bptt, len(source) - 1 - i)
        yield source[i:i + length], source[i + 1:i + 1 + length]


def repackage(hidden):
    """The state without its history."""
    return tuple(h.detach() for h in hidden)


def train(model, source, optimizer):
    model.train()
    hidden = model.init_hidden(source.size(1))
    for words, targets in pieces(source):
        hidden = repackage(hidden)
        output, hidden = model(words, hidden)
        loss = F.cross_entropy(output.flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()


def evaluate(model, source):
    """The mean loss of a word."""
    model.eval()
    total, hidden = 0.0, model.init_hidden(source.size(1))
    with torch.no_grad():
        for words, targets in pieces(source):
            output, hidden = model(words, hidden)
            loss = F.cross_entropy(output.flatten(0, 1), targets.flatten())
            total += len(words) * loss.item()
    return total / (len(source) - 1)


def sample(model, vocabulary, count):
    """`count` words, each drawn as the model thinks likely."""
    model.eval()
    hidden, words = model.init_hidden(1), []
    word = torch.tensor([[vocabulary.index(".")]])
    with torch.no_grad():
        for _ in range(count):
            output, hidden = model(word, hidden)
            word.fill_(torch.multinomial(output.flatten().softmax(0), 1)[0])
            words.append(vocabulary[word.item()])
    return " ".join(words)


def main():
    torch.manual_seed(0)
    random.seed(0)
    texts = corpus(20_000), corpus(4_000)
    vocabulary = sorted({word for text in texts for word in text})
    place = {word: i for i, word in enumerate(vocabulary)}
    training, validation = (torch.tensor([place[word] for word in text]) for text in texts)
    counts = torch.bincount(training).float()
    known = -(counts / counts.sum()).log()[validation].mean().exp()
    print(f"{len(vocabulary)} words; perplexity of their frequencies: {known:.1f}")
    training, validation = batchify(training, 20), batchify(validation, 10)
    model = RNNModel(len(vocabulary), 64, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.3, patience=0)
    for epoch in range(1, 9):
        train(model, training, optimizer)
        loss = evaluate(model, validation)
        scheduler.step(loss)
        print(f"epoch {epoch}: perplexity {math.exp(loss):.2f}", flush=True)
    print(f"  {sample(model, vocabulary, 24)}")
    print(f"perplexity {math.exp(loss):.2f} (below 6)")
    return 0 if math.exp(loss) < 6 else 1


if __name__ == "__main__":
    sys.exit(main())
