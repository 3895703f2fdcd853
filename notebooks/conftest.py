"""Strict comparison without progress bars: one shows only where the machine is slow."""

import os

os.environ["TQDM_DISABLE"] = "1"
