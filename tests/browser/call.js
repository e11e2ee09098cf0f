// One call between two RTCPeerConnections of this page, through the given ICE servers only
// as relays. Both sides gather in the same moment and trickle their candidates, as the check
// does; all times are milliseconds from there.

const until = (target, event, reached) => new Promise((resolve) => {
  const look = () => { if (reached()) { target.removeEventListener(event, look); resolve(); } };
  target.addEventListener(event, look);
  look();
});

const limited = (promise, milliseconds) => Promise.race([
  promise.then(() => true),
  new Promise((resolve) => setTimeout(() => resolve(false), milliseconds)),
]);

class Side {
  constructor(configuration, now) {
    this.pc = new RTCPeerConnection(configuration);
    this.now = now;
    this.times = {};
    this.errors = [];
    this.candidates = 0;
    this.pc.addEventListener('icecandidateerror', (event) => this.errors.push(
      { code: event.errorCode, text: event.errorText, url: event.url, at: now() }));
  }

  trickleTo(other) {
    this.pc.addEventListener('icecandidate', (event) => {
      if (!event.candidate || !event.candidate.candidate) return;
      this.candidates += 1;
      this.reach('gathering');
      other.pc.addIceCandidate(event.candidate);
    });
  }

  reach(phase) { this.times[phase] ??= this.now(); }

  async iceConnects() {
    await until(this.pc, 'iceconnectionstatechange',
      () => ['connected', 'completed'].includes(this.pc.iceConnectionState));
    this.reach('ice');
  }

  async dtlsConnects() {
    const dtls = this.pc.sctp.transport;
    await until(dtls, 'statechange', () => dtls.state === 'connected');
    this.reach('dtls');
  }
}

async function echoes(offering, answering, count, pause, grace) {
  const sent = new Map();
  const rtts = [];
  let allBack;
  const back = new Promise((resolve) => { allBack = resolve; });
  answering.onmessage = (event) => answering.send(event.data);
  offering.onmessage = (event) => {
    const number = new DataView(event.data).getUint32(0);
    if (!sent.has(number)) return;
    rtts.push(performance.now() - sent.get(number));
    sent.delete(number);
    if (rtts.length === count) allBack();
  };
  for (let number = 0; number < count; number += 1) {
    const packet = new ArrayBuffer(160);
    new DataView(packet).setUint32(0, number);
    sent.set(number, performance.now());
    offering.send(packet);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  await limited(back, grace);
  return rtts;
}

// eslint-disable-next-line no-unused-vars
async function call({ servers, echoCount, limit }) {
  const certificate = () => RTCPeerConnection.generateCertificate(
    { name: 'ECDSA', namedCurve: 'P-256' });
  let start = performance.now();
  const now = () => performance.now() - start;
  const side = async () => new Side(
    { iceServers: servers, iceTransportPolicy: 'relay', certificates: [await certificate()] }, now);
  const offering = await side();
  const answering = await side();
  offering.trickleTo(answering);
  answering.trickleTo(offering);
  const options = { ordered: false, maxRetransmits: 0 };
  const channel = offering.pc.createDataChannel('probe', options);
  channel.binaryType = 'arraybuffer';
  let answered;
  const channelOfAnswerer = new Promise((resolve) => { answered = resolve; });
  answering.pc.addEventListener('datachannel', (event) => {
    event.channel.binaryType = 'arraybuffer';
    answered(event.channel);
  });

  const offer = await offering.pc.createOffer();
  await answering.pc.setRemoteDescription(offer);
  const answer = await answering.pc.createAnswer();
  start = performance.now();
  await Promise.all([
    offering.pc.setLocalDescription(offer), answering.pc.setLocalDescription(answer)]);
  await offering.pc.setRemoteDescription(answer);

  const advance = async (each) => {
    await each.iceConnects();
    await each.dtlsConnects();
  };
  const opens = async () => {
    await until(channel, 'open', () => channel.readyState === 'open');
    offering.reach('opened');
    const other = await channelOfAnswerer;
    await until(other, 'open', () => other.readyState === 'open');
    answering.reach('opened');
    return other;
  };
  const opening = opens();
  const both = Promise.all([advance(offering), advance(answering), opening]);
  const gathered = (each) => until(each.pc, 'icegatheringstatechange',
    () => each.pc.iceGatheringState === 'complete');
  // Without a candidate on one side nothing can follow.
  const hopeless = Promise.all([gathered(offering), gathered(answering)]).then(async () => {
    if (offering.candidates && answering.candidates) await new Promise(() => {});
  });
  await limited(Promise.race([both, hopeless]), limit);
  let rtts = [];
  if (answering.times.opened && echoCount) {
    rtts = await echoes(channel, await opening, echoCount, 20, 1000 + 4 * offering.times.ice);
  }
  const told = (each) => ({
    times: each.times,
    candidates: each.candidates,
    errors: each.errors,
    ice: each.pc.iceConnectionState,
    gathering: each.pc.iceGatheringState,
    dtls: each.pc.sctp ? each.pc.sctp.transport.state : 'new',
  });
  const result = { offering: told(offering), answering: told(answering), rtts };
  offering.pc.close();
  answering.pc.close();
  return result;
}
