"""Makes roots known to Chromium, in a profile of NSS: ``python -m … FOLDER FILE…``.

Chromium on Linux takes the authorities of its user from there; certutil would do it as well, and is
one part more. In a process of its own, because NSS keeps one database as long as that lasts.
"""

import ctypes
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

_OF_ALL_SERVERS = b"C,,"


class _Trust(ctypes.Structure):
    _fields_ = (("tls", ctypes.c_uint), ("mail", ctypes.c_uint), ("code", ctypes.c_uint))


def trust(home: Path, files: Sequence[Path]) -> None:
    """Have a Chromium with this home trust the roots in these PEM files."""
    folder = home / ".pki" / "nssdb"
    folder.mkdir(parents=True)
    subprocess.run([sys.executable, "-m", __name__, str(folder), *map(str, files)], check=True)


def _main(folder: str, *files: str) -> None:
    nss, smime = ctypes.CDLL("libnss3.so"), ctypes.CDLL("libsmime3.so")
    for function in (
        nss.PK11_GetInternalKeySlot,
        nss.CERT_GetDefaultCertDB,
        smime.CERT_DecodeCertFromPackage,
    ):
        function.restype = ctypes.c_void_p
    _check(nss.NSS_InitReadWrite(f"sql:{folder}".encode()))
    slot = ctypes.c_void_p(nss.PK11_GetInternalKeySlot())
    if nss.PK11_NeedUserInit(slot):
        _check(nss.PK11_InitPin(slot, None, b""))
    for file in files:
        der = x509.load_pem_x509_certificate(Path(file).read_bytes()).public_bytes(Encoding.DER)
        root = ctypes.c_void_p(smime.CERT_DecodeCertFromPackage(der, len(der)))
        name = Path(file).stem.encode()
        _check(nss.PK11_ImportCert(slot, root, ctypes.c_ulong(0), name, 0))
        given = _Trust()
        _check(nss.CERT_DecodeTrustString(ctypes.byref(given), _OF_ALL_SERVERS))
        known = ctypes.c_void_p(nss.CERT_GetDefaultCertDB())
        _check(nss.CERT_ChangeCertTrust(known, root, ctypes.byref(given)))


def _check(status: int) -> None:
    if status:
        raise RuntimeError("NSS refuses")


if __name__ == "__main__":
    _main(*sys.argv[1:])
