"""Build the image of the stack before the tests, so that they find its layers.

While tests run beside it, a build takes several times as long.
"""

from __future__ import annotations

from tests.compose.stack import Stack, obstacle


def main() -> None:
    """Build the image, if an engine is here; the tests say what is missing otherwise."""
    if obstacle() is None:
        print("Building the image of the stack ...", flush=True)
        stack = Stack()
        try:
            stack.build()
        finally:
            stack.down()


if __name__ == "__main__":
    main()
