// What a user of the application lives through when the network is lost for a while: a call
// through a relay, whose ICE the application restarts when it has failed, and a session of
// socket.io-client. Times are in seconds.

const RESTARTS = 3;
const BEAT = 250;
const PATIENCE = 60;

const seconds = () => performance.now() / 1000;
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// What is going on, by name; whoever asks sees null until it is over.
const outcomes = {};
// eslint-disable-next-line no-unused-vars
function begin(name, work) {
  outcomes[name] = null;
  work.then((done) => { outcomes[name] = { done }; }, (error) => { outcomes[name] = { error: String(error) }; });
}

async function lose(name, length) {
  await fetch(`/lose?name=${encodeURIComponent(name)}&seconds=${length}`);
  const began = seconds();
  return { began, ended: began + length };
}

function calling(servers) {
  return new RTCPeerConnection({ iceServers: servers, iceTransportPolicy: 'relay' });
}

class Call {
  constructor(offering, answering) {
    this.one = calling(offering);
    this.other = calling(answering);
    this.backs = [];
    this.restarts = 0;
    this.failedAt = null;
    this.one.onicecandidate = ({ candidate }) => candidate && this.other.addIceCandidate(candidate);
    this.other.onicecandidate = ({ candidate }) => candidate && this.one.addIceCandidate(candidate);
    this.other.ondatachannel = ({ channel }) => {
      channel.onmessage = ({ data }) => channel.send(data);
    };
    this.one.onconnectionstatechange = () => {
      if (this.one.connectionState !== 'failed') return;
      this.failedAt ??= seconds();
      if (this.restarts < RESTARTS) this.restart();
    };
  }

  restart() {
    this.restarts += 1;
    return this.negotiate({ iceRestart: true });
  }

  async negotiate(options) {
    await this.one.setLocalDescription(await this.one.createOffer(options));
    await this.other.setRemoteDescription(this.one.localDescription);
    await this.other.setLocalDescription(await this.other.createAnswer());
    await this.one.setRemoteDescription(this.other.localDescription);
  }

  async open() {
    const channel = this.one.createDataChannel('probe', { ordered: false, maxRetransmits: 0 });
    channel.onmessage = ({ data }) => this.backs.push({ left: Number(data), back: seconds() });
    const open = new Promise((resolve) => { channel.onopen = resolve; });
    await this.negotiate();
    await open;
    this.beating = setInterval(() => channel.send(String(seconds())), BEAT);
    while (!this.backs.length) await sleep(50);
  }

  close() {
    clearInterval(this.beating);
    this.one.close();
    this.other.close();
  }
}

// eslint-disable-next-line no-unused-vars
async function loseCall({ name, offering, answering, length, held }) {
  const call = new Call(offering, answering);
  await call.open();
  await sleep(1000 * held);
  const { began, ended } = await lose(name, length);
  const isBack = ({ left, back }) => left >= began && back >= ended;
  while (!call.backs.some(isBack) && seconds() < ended + PATIENCE) await sleep(50);
  const found = call.backs.find(isBack);
  call.close();
  return {
    recovered: found ? found.back - ended : null,
    restarts: call.restarts,
    failed: call.failedAt && call.failedAt - began,
  };
}

function loaded(source) {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    Object.assign(script, { src: source, onload: resolve, onerror: reject });
    document.head.append(script);
  });
}

// eslint-disable-next-line no-unused-vars
async function loseSession({ name, client, url, token, length }) {
  if (!window.io) await loaded(client);
  const socket = window.io(`${url}/signaling`, {
    auth: { token: `Bearer ${token}` }, transports: ['websocket'], forceNew: true });
  const next = (event) => new Promise((resolve) => { socket.once(event, () => resolve(event)); });
  let attempts = 0;
  socket.io.on('reconnect_attempt', () => { attempts += 1; });
  await next('connected');
  socket.emit('leave-queue', {});
  await next('queue-left');
  const { ended } = await lose(name, length);
  const again = next('connected');
  socket.emit('leave-queue', {});
  const how = await Promise.race([next('queue-left'), again, sleep((length + PATIENCE) * 1000)]);
  const recovered = how ? seconds() - ended : null;
  socket.disconnect();
  return { recovered, survived: how === 'queue-left', attempts };
}
