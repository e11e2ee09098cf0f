// Socket.IO behind TLS with HTTP/2: `node http2.mjs CERTIFICATE [h2only]`; prints its port.
import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import { Server } from 'socket.io';

const [, , certificate, mode] = process.argv;
const pem = readFileSync(certificate);
const server = createSecureServer({ allowHTTP1: mode !== 'h2only', key: pem, cert: pem });
const io = new Server(server, { cors: { origin: '*' } });
io.of('/signaling').on('connection', (socket) => {
  socket.emit('connected', {});
  socket.on('leave-queue', () => socket.emit('queue-left', {}));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
