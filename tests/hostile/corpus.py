"""What fuzzing begins with: well-formed answers of each protocol, and those of hostile servers."""

from tests.hostile import table

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_STUN = bytes.fromhex("010100142112a442") + b"T" * 12
_STUN += bytes.fromhex("00200008000121f25e12a44300090004") + b"\x00\x00\x04\x01"
GOOD = (
    b'{"status":"ok","services":{"postgres":"up"},"uptime":1.5,"instance":{"id":"a"}}',
    b'{"accessToken":"e30.eyJleHAiOjE3MDAwMDAwMDB9.x","expiresIn":"5m"}',
    b'{"urls":["turn:a.example.org"],"username":"1700000000:d","credential":"c","ttl":3600}',
    b'[{"urls":"turn:a.example.org:80?transport=tcp","username":"u","credential":"c"}]',
    b'{"iceServers":{"urls":["turn:a:53","turns:a:443"],"username":"u","credential":"c"}}',
    b'{"ttl":"3600","ice_servers":[{"url":"turn:a","urls":"turn:a","username":"u","credential":"c"}]}',
    b'{"s":"ok","v":{"iceServers":{"urls":["turn:a:80"],"username":"u","credential":"c"}}}',
    b'{"s":"error","v":"unauthorized"}',
    b'{"username":"1700000000:d","password":"c","ttl":600,"uris":["turn:a?transport=udp"]}',
    b'{"quotaInGB":150,"usageInGB":45.1,"overageInGB":0}',
    b'# TYPE a counter\na_total{x="\\"y\\n"} 3 1700000000000\na_bucket{le="+Inf"} 1e3\n',
    b"used_memory:1000\r\nmaxmemory:0\r\ndb0:keys=1,expires=0\r\nerrorstat_OOM:count=3\r\n",
    b"$4\r\nPONG\r\n",
    b"-LOADING Redis is loading\r\n",
    table.STARTED,
    b"r=abc,s=QUFB,i=4096",
    _HEAD + b"Content-Length: 2\r\nSet-Cookie: a=b; Path=/\r\n\r\n{}",
    _HEAD + b"Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nTrailer: x\r\n\r\n",
    _HEAD + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\3\xab\xae\5\0\xc3\xbf\x44",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + _HEAD + b"\r\n",
    # SETTINGS, a PING, a HEADERS of :status 200, DATA with the end.
    b"\0\0\0\4\0\0\0\0\0" + b"\0\0\x08\6\0\0\0\0\0" + b"p" * 8 + b"\0\0\1\1\4\0\0\0\1\x88",
    b"\0\0\2\0\1\0\0\0\1{}",
    b"\x81\x05hello" + b"\x89\0" + b"\x01\x02ab" + b"\x80\x01c" + b"\x82\x7e\0\x80" + b"b" * 128,
    b'0{"sid":"a","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000}',
    b'42/signaling,17["queue-joined",{"timestamp":1}]',
    b'451-/signaling,["file",{"_placeholder":true,"num":0}]',
    _STUN,
    bytes.fromhex("4000000568656c6c6f000000"),
    b'{"type":"offer","sdp":"v=0\\r\\na=ice-ufrag:abcd\\r\\na=ice-pwd:0123456789012345678901\\r\\n'
    b'a=fingerprint:sha-256 AA\\r\\na=candidate:1 1 udp 1 192.0.2.1 5000 typ host\\r\\n"}',
    b'{"candidate":"candidate:1 1 udp 2122260223 192.0.2.1 50000 typ relay raddr 0.0.0.0 rport 0"}',
)
CORPUS = (*GOOD, *table.JSON.values(), *table.PROMETHEUS.values(), *table.TOKENS.values())
TOKENS = (b"\0", b"\xff", b'"', b"\\", b"{", b"[", b"\r\n", b"9" * 40, b";", b",", b"%", b"\x80")
