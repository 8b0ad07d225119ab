"""The embedded language host: lets the Pulumi engine run Python programs and policy packs.

A double of ``pulumi-language-python`` for machines where the official one, which comes with Pulumi's own downloads, is
missing. It supports what this project needs: the ``pip`` toolchain with or without the ``virtualenv`` option.
"""

from testbed.language.installation import EXECUTABLE, install

__all__ = ["EXECUTABLE", "install"]
