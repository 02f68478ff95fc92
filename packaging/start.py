"""Installs Sardonyx from a clone on a machine that has only Python and pip, and starts the demonstration or the tests.

    python3 packaging/start.py demo      # install, then run the whole loop on the sample
    python3 packaging/start.py test      # install, then run the tests (more words go to pytest)
    python3 packaging/start.py install   # install only (add `test` for the test tools, or extras: `netron`, `gpu`, ...)

Debian's and Ubuntu's packages that Qt needs are installed first where they are missing, through apt-get, as root or
through sudo. Everything from Python goes into `.venv` beside this folder, from a lock with hashes: the system's Python
is never changed, so it does not matter whether it is externally managed (PEP 668), and ensurepip is not needed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

#: Library -> the packages that may bring it (the first that the distribution knows is taken). All that Qt asks for by
#: name and a minimal system lacks: what one of these packages brings along in one release, it may not in the next.
LIBRARIES = {
    "libglib-2.0.so.0": ("libglib2.0-0t64", "libglib2.0-0"),
    "libGL.so.1": ("libgl1",),
    "libEGL.so.1": ("libegl1",),
    "libdbus-1.so.3": ("libdbus-1-3",),
    "libfontconfig.so.1": ("libfontconfig1",),
    "libfreetype.so.6": ("libfreetype6",),
    "libbrotlidec.so.1": ("libbrotli1",),
    "libX11.so.6": ("libx11-6",),
    "libX11-xcb.so.1": ("libx11-xcb1",),
    "libxkbcommon.so.0": ("libxkbcommon0",),
    "libgssapi_krb5.so.2": ("libgssapi-krb5-2",),
    "libxcb.so.1": ("libxcb1",),
    "libxcb-cursor.so.0": ("libxcb-cursor0",),
    "libxcb-glx.so.0": ("libxcb-glx0",),
    "libxcb-icccm.so.4": ("libxcb-icccm4",),
    "libxcb-image.so.0": ("libxcb-image0",),
    "libxcb-keysyms.so.1": ("libxcb-keysyms1",),
    "libxcb-randr.so.0": ("libxcb-randr0",),
    "libxcb-render.so.0": ("libxcb-render0",),
    "libxcb-render-util.so.0": ("libxcb-render-util0",),
    "libxcb-shape.so.0": ("libxcb-shape0",),
    "libxcb-shm.so.0": ("libxcb-shm0",),
    "libxcb-sync.so.1": ("libxcb-sync1",),
    "libxcb-util.so.1": ("libxcb-util1",),
    "libxcb-xfixes.so.0": ("libxcb-xfixes0",),
    "libxcb-xkb.so.1": ("libxcb-xkb1",),
    "libxkbcommon-x11.so.0": ("libxkbcommon-x11-0",),
}
#: What the Qt web engine needs on top (the Netron panel, in the tests).
WEB_LIBRARIES = {
    "libnss3.so": ("libnss3",),
    "libasound.so.2": ("libasound2t64", "libasound2"),
    "libdrm.so.2": ("libdrm2",),
    "libgbm.so.1": ("libgbm1",),
    "libxcb-dri3.so.0": ("libxcb-dri3-0",),
    "libXcomposite.so.1": ("libxcomposite1",),
    "libXdamage.so.1": ("libxdamage1",),
    "libXext.so.6": ("libxext6",),
    "libXfixes.so.3": ("libxfixes3",),
    "libXrandr.so.2": ("libxrandr2",),
    "libXtst.so.6": ("libxtst6",),
    "libxkbfile.so.1": ("libxkbfile1",),
}

#: Program -> package: PyInstaller, which the slow tests run, looks into libraries with it.
PROGRAMS = {"objdump": ("binutils",)}

#: A minimal system has no font at all.
FONTS = ("fonts-dejavu-core",)


def python_library() -> dict[str, tuple[str, ...]]:
    """Like `LIBRARIES`: what PyInstaller puts into the app, and Debian's and Ubuntu's own Python does not come with."""
    if sys.base_prefix != "/usr":
        return {}  # another Python, which apt-get knows nothing of
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {f"libpython{version}.so.1.0": (f"libpython{version}t64", f"libpython{version}")}


def say(text: str) -> None:
    sys.stderr.write(f"sardonyx: {text}\n")
    sys.stderr.flush()


def known_libraries() -> str:
    """What the loader's cache lists, or an empty string where there is no ldconfig."""
    tool = shutil.which("ldconfig") or "/sbin/ldconfig"
    if not Path(tool).exists():
        return ""
    return subprocess.run([tool, "-p"], capture_output=True, text=True, check=False).stdout


def install_libraries(wanted: dict[str, tuple[str, ...]], programs: dict[str, tuple[str, ...]]) -> str:
    """Bring what the system lacks through apt-get; where that cannot be done, says what to do (and returns it), and goes on."""
    if not sys.platform.startswith("linux"):
        return ""
    cache = known_libraries()
    missing = [packages for library, packages in wanted.items() if f"{library} " not in cache]
    missing += [packages for program, packages in programs.items() if shutil.which(program) is None]
    if shutil.which("fc-list") is None and not Path("/usr/share/fonts/truetype").exists():
        missing.append(FONTS)
    if not missing:
        return ""
    apt = shutil.which("apt-get")
    root = os.geteuid() == 0
    sudo = shutil.which("sudo")
    install = ["apt-get", "install", "-y", "--no-install-recommends"]
    if apt is None or not (root or sudo):
        names = [candidate(packages) for packages in missing]
        told = "system packages are missing, and cannot be installed from here; ask whoever runs this machine for: "
        told += " ".join([*install, *names])
        say(told)
        return told
    become = [] if root else [sudo or "sudo"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    say("installing what the system lacks ...")
    subprocess.run([*become, apt, "update", "-qq"], check=False, env=environment, stdout=sys.stderr)
    names = [candidate(packages) for packages in missing]
    command = [*become, *install, "-qq", *names]
    if subprocess.run(command, check=False, env=environment, stdout=sys.stderr).returncode == 0:
        return ""
    told = f"system packages are missing, and this went wrong: {' '.join([*become, *install, *names])}"
    say(told)
    return told


def candidate(packages: tuple[str, ...]) -> str:
    """The first of `packages` that apt can really install (names changed between Debian and Ubuntu releases)."""
    if shutil.which("apt-cache") is None:
        return packages[-1]
    for name in packages:
        shown = subprocess.run(["apt-cache", "policy", name], capture_output=True, text=True, check=False).stdout
        if "Candidate:" in shown and "Candidate: (none)" not in shown:
            return name
    return packages[-1]


def pip(*words: str) -> None:
    """Run this Python's pip on the virtual environment (which has none of its own)."""
    subprocess.run([sys.executable, "-m", "pip", "--python", str(PYTHON), "--disable-pip-version-check", *words], check=True)


def install(kind: str) -> None:
    """Make `.venv` and fill it from the lock of `kind` (`app` or `test`); does nothing when that was done before."""
    lock = ROOT / "packaging" / "locks" / kind / "requirements.lock"
    stamp = VENV / f"installed-{kind}"
    state = hashlib.sha256(lock.read_bytes() + (ROOT / "pyproject.toml").read_bytes() + sys.version.encode()).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == state:
        return
    if not PYTHON.exists():
        say(f"making {VENV}")
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(VENV)], check=True)
    say("installing Python packages from the lock ...")
    pip("install", "--quiet", "--require-hashes", "--no-deps", "-r", str(lock))
    pip("install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    stamp.write_text(state, encoding="utf-8")


def add_extras(names: Sequence[str]) -> None:
    """Install extras of pyproject.toml on top (these are not in the lock: their newest versions that fit are taken)."""
    say(f"installing {', '.join(names)} ...")
    pip("install", "--quiet", "--no-build-isolation", "--editable", f"{ROOT}[{','.join(names)}]")


def known_extras() -> list[str]:
    """The extras that pyproject.toml declares."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return list(project["optional-dependencies"])


def main(words: Sequence[str]) -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - this file may meet an older Python
        say(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")
        return 2
    if not words or words[0] not in ("demo", "test", "install"):
        sys.stderr.write(__doc__ or "")
        return 2
    action, rest = words[0], list(words[1:])
    testing = action == "test" or (action == "install" and "test" in rest)
    extras = [word for word in rest if word != "test"] if action == "install" else []
    unknown = [word for word in extras if word not in known_extras()]
    if unknown:
        say(f"there is no extra {unknown[0]}; there are: {', '.join(known_extras())}")
        return 2
    web = WEB_LIBRARIES if testing or "netron" in extras else {}
    frozen = python_library() if testing else {}
    lacking = install_libraries({**LIBRARIES, **web, **frozen}, PROGRAMS if testing else {})
    install("test" if testing else "app")
    if extras:
        add_extras(extras)
    if action == "demo":
        code = subprocess.run([str(PYTHON), "-m", "core.cli", "demo", *rest], check=False).returncode
        if code == 0:
            say(f"from now on, the window and everything else: {VENV / 'bin' / 'sardonyx'} (--help lists the commands)")
    elif action == "test":
        code = subprocess.run([str(PYTHON), "-m", "pytest", *rest], cwd=ROOT, check=False).returncode
    else:
        code = 0
        say(f"installed; start with {VENV / 'bin' / 'sardonyx'}")
    if code != 0 and lacking:
        say(lacking)  # once more, below the traceback that it explains
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
