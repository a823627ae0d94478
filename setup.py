"""Lists the packages, so that a new model folder needs no entry in any file (pyproject.toml has the rest)."""

from setuptools import find_namespace_packages, find_packages, setup

FOLDERS = ("models", "preprocessing", "metrics", "leaderboards")

packages = find_packages(include=["lia_bench", "lia_bench.*"])
for folder in FOLDERS:
    packages.append(f"lia_bench.{folder}")
    # Namespace packages, since a model's folder of YAML variants holds no code.
    packages += [f"lia_bench.{folder}.{name}" for name in find_namespace_packages(folder)]

setup(packages=packages)
