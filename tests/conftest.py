"""Strictness for every test: no deadlines on a shared machine, the same examples on every run."""

import torch
from hypothesis import settings

settings.register_profile("course", deadline=None, derandomize=True)
settings.load_profile("course")
# pytest-xdist runs one process per core.
torch.set_num_threads(1)
