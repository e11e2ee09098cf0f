// A TURN server on node-turn, which speaks UDP alone: node turn.cjs PORT USER PASSWORD
const Turn = require('node-turn');

const [port, user, password] = process.argv.slice(2);
const server = new Turn({
  listeningIps: ['127.0.0.1'],
  relayIps: ['127.0.0.1'],
  listeningPort: Number(port),
  authMech: 'long-term',
  realm: 'node-turn.test',
  credentials: { [user]: password },
});
server.start();
process.on('SIGTERM', () => process.exit(0));
