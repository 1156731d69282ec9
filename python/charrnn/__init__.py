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

from ._build import TORCH_VERSION as _built_for
from ._build import VERSION as __version__

if _torch.__version__.split("+")[0] != _built_for:
    raise ImportError(
        f"this charrnn was built for torch {_built_for}, and this is torch {_torch.__version__}: "
        "build it again for this one (pip install --force-reinstall --no-deps ./python), or install that torch")

from ._corpus import Corpus, Split  # noqa: E402
from ._errors import Error, InputError  # noqa: E402
from ._lanes import Batch, Lanes  # noqa: E402
from ._metrics import metrics  # noqa: E402
from ._model import Model  # noqa: E402
from ._model import open_model as open  # noqa: E402
from ._vocabulary import Vocabulary  # noqa: E402

__all__ = ["Batch", "Corpus", "Error", "InputError", "Lanes", "Model", "Split", "Vocabulary", "metrics", "open"]
