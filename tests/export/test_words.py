"""Sentences, escapes and licences: what exports say."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from conftest_export import CONFIG
from heirloom import config as configuration
from heirloom import slices
from heirloom.export import licences, markdown, regimes
from heirloom.specs.regime import Regime
