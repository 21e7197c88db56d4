"""Settings of the property tests: random at a desk, the same examples every time in CI."""

import os

from hypothesis import settings

settings.register_profile("desk", deadline=None, max_examples=60, print_blob=True)
settings.register_profile(
    "ci", deadline=None, max_examples=60, derandomize=True, database=None, print_blob=True
)
settings.load_profile("ci" if os.environ.get("CI") else "desk")
