"""A recurrent net that tells from a word, letter by letter, in which language it is counted.

    rushlight run examples/char_rnn.py

Teaches: words as sequences of letters; a recurrent cell written by hand from linear layers;
training on one word at a time; asking the net about words. Numerals up to a hundred in five
languages are built here. It must know the language of 90 of 100 numerals that it was not trained
on.
"""

import random
import string
import sys

import torch
import torch.nn as nn

LETTERS = string.ascii_lowercase + "' "


def numerals():
    """Pairs (word, language): what numbers up to a hundred are called."""
    english = "one two three four five six seven eight nine".split()
    german = "ein zwei drei vier fuenf sechs sieben acht neun".split()
    spanish = "uno dos tres cuatro cinco seis siete ocho nueve".split()
    italian = "uno due tre quattro cinque sei sette otto nove".split()
    dutch = "een twee drie vier vijf zes zeven acht negen".split()
    tens = {
        "English": "twenty thirty forty fifty sixty seventy eighty ninety".split(),
        "German": "zwanzig dreissig vierzig fuenfzig sechzig siebzig achtzig neunzig".split(),
        "Spanish": "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa".split(),
        "Italian": "venti trenta quaranta cinquanta sessanta settanta ottanta novanta".split(),
        "Dutch": "twintig dertig veertig vijftig zestig zeventig tachtig negentig".split(),
    }
    pairs = []
    for ten in range(8):
        for one in range(9):
            pairs += [
                (f"{tens['English'][ten]} {english[one]}", "English"),
                (f"{german[one]}und{tens['German'][ten]}", "German"),
                (f"{tens['Spanish'][ten]} y {spanish[one]}", "Spanish"),
                (f"{tens['Italian'][ten]}{italian[one]}", "Italian"),
                (f"{dutch[one]}en{tens['Dutch'][ten]}", "Dutch"),
            ]
    return pairs


PAIRS = numerals()
LANGUAGES = sorted({language for _, language in PAIRS})


def word_to_tensor(word):
    """(letters, 1, alphabet): a one for each letter."""
    tensor = torch.zeros(len(word), 1, len(LETTERS))
    for i, letter in enumerate(word):
        tensor[i][0][LETTERS.find(letter)] = 1
    return tensor


class RNN(nn.Module):
    """A cell: the letter and the state before make the state after, and an opinion."""

    def __init__(self, input_size, hidden_size, output_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size + hidden_size, hidden_size)
        self.h2o = nn.Linear(hidden_size, output_size)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, letter, hidden):
        hidden = torch.tanh(self.i2h(torch.cat((letter, hidden), 1)))
        return self.softmax(self.h2o(hidden)), hidden

    def init_hidden(self):
        return torch.zeros(1, self.hidden_size)


def evaluate(rnn, word):
    hidden = rnn.init_hidden()
    for letter in word_to_tensor(word):
        output, hidden = rnn(letter, hidden)
    return output


def guess(output):
    _, index = output.topk(1)
    return LANGUAGES[index.item()]


def main():
    torch.manual_seed(0)
    random.seed(0)
    random.shuffle(PAIRS)
    unseen, seen = PAIRS[:100], PAIRS[100:]
    rnn = RNN(len(LETTERS), 48, len(LANGUAGES))
    criterion = nn.NLLLoss()
    optimizer = torch.optim.SGD(rnn.parameters(), lr=0.05)
    total = 0.0
    for step in range(1, 4001):
        word, language = random.choice(seen)
        target = torch.tensor([LANGUAGES.index(language)])
        optimizer.zero_grad()
        loss = criterion(evaluate(rnn, word), target)
        loss.backward()
        nn.utils.clip_grad_norm_(rnn.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
        if step % 1000 == 0:
            print(f"step {step}: loss {total / 1000:.4f}")
            total = 0.0
    with torch.no_grad():
        right = sum(guess(evaluate(rnn, word)) == language for word, language in unseen)
        for word in ("dreiundzwanzig", "vijfenzestig", "ottantotto"):
            print(f"  {word}: {guess(evaluate(rnn, word))}")
    print(f"{right} of {len(unseen)} unseen numerals right (at least 90)")
    return 0 if right >= 90 else 1


if __name__ == "__main__":
    sys.exit(main())
