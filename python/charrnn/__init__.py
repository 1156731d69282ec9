"""charrnn in Python: trained models, corpora, the batches that the trainer reads, and metrics.

>>> import charrnn
>>> model = charrnn.open("runs/quickstart")
>>> model.sample("The ")
>>> model.surprisal("The quick brown fox")
>>> corpus = charrnn.Corpus("corpora/tiny_shakespeare")
>>> charrnn.metrics("runs/quickstart")

docs/python.md has more.
"""

import torch as _torch  # first: its libraries are the ones that the extension uses

from . import _build

if _torch.__version__.split("+")[0] != _build.TORCH_VERSION:
    raise ImportError(
        f"this charrnn was built for torch {_build.TORCH_VERSION}, and this is torch {_torch.__version__}: "
        "build it again for this one (pip install --force-reinstall --no-deps ./python), or install that torch")

from ._corpus import Corpus, Split
from ._errors import Error, InputError
from ._lanes import Batch, Lanes
from ._metrics import metrics
from ._model import Model
from ._model import open_model as open
from ._vocabulary import Vocabulary

__version__ = _build.VERSION
__all__ = ["Batch", "Corpus", "Error", "InputError", "Lanes", "Model", "Split", "Vocabulary", "metrics", "open"]
