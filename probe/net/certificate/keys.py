"""Public keys and signatures' algorithms by their object identifiers (RFC 3279, 5480, 8410)."""

from msgspec import Struct

from probe.net.certificate import der

_RSA, _RSA_PSS, _EC = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.10045.2.1"
_NIST = "2.16.840.1.101.3.4"
_OTHERS = {
    "1.3.101.110": "X25519",
    "1.3.101.111": "X448",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
    "1.2.840.10040.4.1": "DSA",
    f"{_NIST}.3.17": "MLDSA44",
    f"{_NIST}.3.18": "MLDSA65",
    f"{_NIST}.3.19": "MLDSA87",
}
# SEC 2 and RFC 5639; a curve that is not here is shown by its identifier.
_CURVES = {
    "1.2.840.10045.3.1.1": "secp192r1",
    "1.2.840.10045.3.1.7": "secp256r1",
    "1.3.132.0.10": "secp256k1",
    "1.3.132.0.33": "secp224r1",
    "1.3.132.0.34": "secp384r1",
    "1.3.132.0.35": "secp521r1",
    "1.3.36.3.3.2.8.1.1.7": "brainpoolP256r1",
    "1.3.36.3.3.2.8.1.1.11": "brainpoolP384r1",
    "1.3.36.3.3.2.8.1.1.13": "brainpoolP512r1",
}
_SHA1 = "1.3.14.3.2.26"
_HASHES = {
    _SHA1: "sha1",
    f"{_NIST}.2.1": "sha256",
    f"{_NIST}.2.2": "sha384",
    f"{_NIST}.2.3": "sha512",
    f"{_NIST}.2.4": "sha224",
    f"{_NIST}.2.7": "sha3_224",
    f"{_NIST}.2.8": "sha3_256",
    f"{_NIST}.2.9": "sha3_384",
    f"{_NIST}.2.10": "sha3_512",
}
_SIGNATURES = {
    "1.2.840.113549.1.1.4": "md5",
    "1.2.840.113549.1.1.5": "sha1",
    "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
    "1.2.840.113549.1.1.14": "sha224",
    "1.2.840.10040.4.3": "sha1",
    "1.2.840.10045.4.1": "sha1",
    "1.2.840.10045.4.3.1": "sha224",
    "1.2.840.10045.4.3.2": "sha256",
    "1.2.840.10045.4.3.3": "sha384",
    "1.2.840.10045.4.3.4": "sha512",
    # DSA, ECDSA and RSA of NIST's arc.
    **{
        f"{_NIST}.3.{1 + n}": name
        for n, name in enumerate(("sha224", "sha256", "sha384", "sha512"))
    },
    **{
        f"{_NIST}.3.{first + n}": f"sha3_{size}"
        for first in (5, 9, 13)
        for n, size in enumerate((224, 256, 384, 512))
    },
}


class PublicKey(Struct, frozen=True, gc=False):
    """``kind`` is RSA, EC, Ed25519 or another name; ``detail`` RSA's bits or EC's curve."""

    kind: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.detail}".strip()


def read_key(element: der.Element) -> PublicKey:
    """From a SubjectPublicKeyInfo. Raises ValueError."""
    reader = element.children()
    oid, parameters = _algorithm(reader.next(der.SEQUENCE))
    key = der.bits(reader.next(der.BIT_STRING))
    reader.finish()
    if oid in (_RSA, _RSA_PSS):
        numbers = der.only_element(key, der.SEQUENCE).children()
        modulus = der.integer(numbers.next(der.INTEGER))
        return PublicKey("RSA", str(modulus.bit_length()))
    if oid == _EC:
        if parameters is None or parameters.tag != der.OBJECT_IDENTIFIER:
            return PublicKey("EC", "with a curve of its own")
        curve = der.object_identifier(parameters)
        return PublicKey("EC", _CURVES.get(curve, curve))
    return PublicKey(_OTHERS.get(oid, oid))


def read_signature_hash(element: der.Element) -> str | None:
    """What a signature is made over, from its AlgorithmIdentifier: a name of hashlib's; None where
    the algorithm has no hash of its own (Ed25519) or is unknown. Raises ValueError."""
    oid, parameters = _algorithm(element)
    if oid != _RSA_PSS:
        return _SIGNATURES.get(oid)
    # RFC 4055, section 3.1: SHA-1 unless [0] names another one.
    if parameters is None or parameters.tag != der.SEQUENCE:
        return "sha1"
    named = parameters.children().optional(0xA0)
    if named is None:
        return "sha1"
    return _HASHES.get(_algorithm(der.only_element(named.value, der.SEQUENCE))[0])


def _algorithm(element: der.Element) -> tuple[str, der.Element | None]:
    """Object identifier and parameters of an AlgorithmIdentifier."""
    reader = element.children()
    oid = der.object_identifier(reader.next(der.OBJECT_IDENTIFIER))
    parameters = None if reader.at_end else reader.next()
    reader.finish()
    return oid, parameters
