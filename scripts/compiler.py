"""Find or install a C++ compiler for the kernel.

Used by the build (`use_compiler`), and as a program by `make`: `compiler.py --install` installs a
compiler if the machine has none that is new enough, as root with apt, else the pinned wheel of
`requirements/compiler.txt` into the environment of this Python.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST = {"gcc": 12, "clang": 14}
NAMES = ("c++", "g++", "clang++")
GLIBC = (2, 28)
"""Programs that Zig compiles run with this version of glibc, and newer ones."""


def compiler() -> str | None:
    """Return the command of a compiler, as in `CXX`; None if there is none."""
    if chosen := os.environ.get("CXX"):
        return chosen
    names = (name for name in NAMES if _is_new_enough(name))
    return next(names, None) or (zig() if _has_zig() else None)


def use_compiler() -> None:
    """Set `CXX`. Raises FileNotFoundError if there is no compiler."""
    found = compiler()
    if found is None:
        raise FileNotFoundError(
            f"csvmill's kernel needs a C++ compiler: GCC {OLDEST['gcc']}, Clang {OLDEST['clang']}, "
            "or newer. On Debian and Ubuntu: apt-get install g++. Anywhere: pip install ziglang"
        )
    os.environ["CXX"] = found


def requirements() -> list[str]:
    """Return the packages that a build needs for want of a compiler."""
    return [] if compiler() else ["ziglang"]


def install() -> None:
    """Install a compiler if there is none."""
    if compiler() is not None:
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing a C++ compiler for the kernel: g++", flush=True)
        installed = subprocess.run([str(ROOT / "scripts/apt_install"), "g++"], check=False)
        if installed.returncode == 0 and compiler() is not None:
            return
    install_zig()


def install_zig() -> None:
    """Install the pinned Zig into the environment of this Python if it is not there."""
    if _has_zig():
        return
    print("Installing a C++ compiler for the kernel: ziglang", flush=True)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    wheel = ["--require-hashes", "-r", str(ROOT / "requirements/compiler.txt")]
    subprocess.run([*pip, "install", *wheel], check=True)


def zig(machine: str = platform.machine()) -> str:
    """Return the command of Zig's C++ compiler for programs that run on `machine`.

    Raises FileNotFoundError if Zig is not installed.
    """
    found = importlib.util.find_spec("ziglang")
    if found is None or found.origin is None:
        raise FileNotFoundError("The Python package ziglang is not installed.")
    glibc = ".".join(map(str, GLIBC))
    return f"{Path(found.origin).parent / 'zig'} c++ -target {machine}-linux-gnu.{glibc}"


def _is_new_enough(name: str) -> bool:
    path = shutil.which(name)
    if path is None:
        return False
    shown = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    kind = "clang" if "clang" in shown.stdout else "gcc"
    # "g++ (Debian 12.2.0-14) 12.2.0", "Debian clang version 14.0.6"
    versions = re.findall(r"\b(\d+)\.\d+\.\d+", shown.stdout.partition("\n")[0])
    return shown.returncode == 0 and bool(versions) and int(versions[-1]) >= OLDEST[kind]


def _has_zig() -> bool:
    return importlib.util.find_spec("ziglang") is not None


if __name__ == "__main__":
    if sys.argv[1:] == ["--install"]:
        install()
    else:
        use_compiler()
        print(os.environ["CXX"])
