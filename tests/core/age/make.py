"""Made the .age files beside this script, with another implementation of the format: pyrage 1.4.0 (which is rage).

pip install pyrage==1.4.0 && python tests/core/age/make.py
"""

from pathlib import Path

from pyrage import encrypt, x25519

HERE = Path(__file__).parent
FILES = {
    "empty": b"",
    "short": b"Wie wat antwoordde, weet niemand.\n",
    "two-chunks": bytes(range(256)) * 256 + b"!",
}

own, other = x25519.Identity.generate(), x25519.Identity.generate()
(HERE / "key.txt").write_text(f"{own}\n{own.to_public()}\n", "ascii")
for name, content in FILES.items():
    (HERE / f"{name}.age").write_bytes(encrypt(content, [other.to_public(), own.to_public()]))
