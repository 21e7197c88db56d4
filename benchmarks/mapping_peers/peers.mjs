// Runs stanza and sdp-jingle-json for ../mapping.py: one JSON request a line in, one answer a line out.
//
//   {"load": [{"sdp": "v=0…", "role": "initiator"}, …]}    keeps the descriptions
//   {"run": "stanza", "start": 0, "end": 20}               these there and back: CPU time in µs
//   {"show": "stanza"}                                     what comes back, null where it throws

import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const require = createRequire(import.meta.url);
const { Registry, parse } = require('stanza/jxt');
const protocol = require('stanza/protocol').default;
const sdp = require('stanza/jingle/sdp/Intermediate.js');
const mapping = require('stanza/jingle/sdp/Protocol.js');
const { NS_JINGLE_ICE_UDP_1 } = require('stanza/Namespaces');
const sjj = require('sdp-jingle-json');

const registry = new Registry();
registry.define(protocol);

function throughStanza(text, role) {
  const said = mapping.convertIntermediateToRequest(
    sdp.importFromSDP(text),
    role,
    NS_JINGLE_ICE_UDP_1,
  );
  const action = role === 'initiator' ? 'session-initiate' : 'session-accept';
  const iq = { type: 'set', jingle: { ...said, action, sid: 'a73sjjvkla37jfea' } };
  const xml = registry.export('iq', iq).toString();
  const read = registry.import(parse(xml)).jingle;
  return sdp.exportToSDP(mapping.convertRequestToIntermediate(read, role));
}

// It has no XML of its own: what it gives and takes are the objects that stanza.io's XML layer used.
function throughSdpJingleJson(text, role) {
  const session = sjj.toSessionJSON(text, { role, direction: 'outgoing' });
  return sjj.toSessionSDP(session, { role, direction: 'outgoing' });
}

const peers = { stanza: throughStanza, 'sdp-jingle-json': throughSdpJingleJson };
let vectors = [];

function run(through, start, end) {
  const before = process.threadCpuUsage();
  for (const { sdp: text, role } of vectors.slice(start, end)) {
    through(text, role);
  }
  const { user, system } = process.threadCpuUsage(before);
  return user + system;
}

function show(through) {
  return vectors.map(({ sdp: text, role }) => {
    try {
      return through(text, role);
    } catch {
      return null;
    }
  });
}

function answer(request) {
  if (request.load) {
    vectors = request.load;
    return vectors.length;
  }
  return request.run
    ? run(peers[request.run], request.start, request.end)
    : show(peers[request.show]);
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(answer(JSON.parse(line)))}\n`);
}
