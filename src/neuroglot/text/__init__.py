"""What the model reads: corpora, splits by document, samples of tokens."""

from neuroglot.text.corpus import Corpus, Document
from neuroglot.text.samples import Sample, Tokenizer, tokenize

__all__ = ["Corpus", "Document", "Sample", "Tokenizer", "tokenize"]
