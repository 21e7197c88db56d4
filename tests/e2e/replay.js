// Plays each side of a recorded negotiation on a real peer connection, the other side being recorded.
//
//   replay(steps, { A: numbers, B: numbers })   what happened, and what each side met, in order; each
//                                               description and candidate has two texts, "original"
//                                               and "mapped", of which the second is for the other side
//
// The answer has for each side and text what came of each step.
//
// What this side says is what it said in the recording, with this connection's own keys: so the
// other side's words meet the payload types, mids and order that they were written for. Nothing is
// gathered (relay only, and no relay), so nothing leaves the machine.

(() => {
  const OWN = /^a=(ice-ufrag|ice-pwd|fingerprint|ice-options|candidate|end-of-candidates|remote-candidates)/;

  function parts(sdp) {
    return sdp.split(/\r?\n(?=m=)/).map((part) => part.split(/\r?\n/).filter(Boolean));
  }

  function sectionsOf(sdp) {
    return parts(sdp)
      .slice(1)
      .map((lines) => {
        const value = (name) =>
          lines.find((line) => line.startsWith(`a=${name}:`))?.slice(name.length + 3);
        const direction = lines.find((line) => /^a=(sendrecv|sendonly|recvonly|inactive)$/.test(line));
        return {
          kind: lines[0].slice(2).split(' ')[0],
          rejected: lines[0].split(' ')[1] === '0' && !lines.includes('a=bundle-only'),
          mid: value('mid'),
          direction: direction?.slice(2) ?? 'sendrecv',
          ufrag: value('ice-ufrag'),
          rids: lines
            .filter((line) => /^a=rid:\S+ send/.test(line))
            .map((line) => ({ rid: line.slice(6).split(' ')[0] })),
        };
      });
  }

  // The recorded description with the keys of the one that this connection made.
  function withOwnKeys(recorded, made) {
    const [mine, theirs] = [parts(made), parts(recorded)];
    if (mine.length !== theirs.length) {
      throw new Error('another number of sections was made');
    }
    const keys = (index) => {
      const own = mine[index].filter((line) => /^a=(ice-ufrag|ice-pwd|fingerprint):/.test(line));
      return own.length || index === 0 ? own : mine.slice(1).map((_, i) => keys(i + 1))[0];
    };
    const groups = (lines) => lines.filter((line) => line.startsWith('a=group:'));
    const others = (lines) => lines.filter((line) => !OWN.test(line));
    const session = mine[0].filter((line) => !line.startsWith('a=group:'));
    const sections = theirs
      .slice(1)
      .flatMap((lines, index) => [...others(lines), ...(keys(index + 1) ?? [])]);
    return [...session, ...groups(theirs[0]), ...sections, ''].join('\r\n');
  }

  function shapeOffer(pc, sections) {
    for (const section of sections) {
      const known = pc.getTransceivers().find((item) => item.mid !== null && item.mid === section.mid);
      if (section.kind === 'application') {
        if (!section.rejected && !pc.sctp && !pc.hasChannel) {
          pc.createDataChannel('data');
          pc.hasChannel = true;
        }
      } else if (known) {
        if (section.rejected) {
          known.stop();
        } else {
          known.direction = section.direction;
        }
      } else if (!section.rejected) {
        const more = section.rids.length ? { sendEncodings: section.rids } : {};
        pc.addTransceiver(section.kind, { direction: section.direction, ...more });
      }
    }
  }

  function shapeAnswer(pc, sections) {
    for (const section of sections) {
      const known = pc.getTransceivers().find((item) => item.mid === section.mid);
      if (known && section.rejected) {
        known.stop();
      } else if (known) {
        known.direction = section.direction;
      }
    }
  }

  async function sayOffer(pc, recorded, restarts) {
    shapeOffer(pc, sectionsOf(recorded));
    const made = await pc.createOffer({ iceRestart: restarts });
    try {
      await pc.setLocalDescription({ type: 'offer', sdp: withOwnKeys(recorded, made.sdp) });
      return 'recorded';
    } catch {
      await pc.setLocalDescription(made);
      return 'own';
    }
  }

  async function sayAnswer(pc, type, recorded) {
    shapeAnswer(pc, sectionsOf(recorded));
    const made = await pc.createAnswer();
    await pc.setLocalDescription({ type, sdp: made.sdp });
    return 'own';
  }

  function stateOf(pc) {
    const transceivers = pc
      .getTransceivers()
      .map((item) => [item.mid, item.receiver.track.kind, item.direction, item.currentDirection]);
    return JSON.stringify([pc.signalingState, Boolean(pc.sctp), transceivers]);
  }

  async function hear(pc, step, text) {
    if (step.kind === 'candidate') {
      await pc.addIceCandidate(step[text] ?? undefined);
    } else {
      await pc.setRemoteDescription({ type: step.kind, sdp: step[text] });
    }
  }

  async function play(steps, me, text) {
    const pc = new RTCPeerConnection({ iceTransportPolicy: 'relay' });
    const heard = [];
    let ufrag = null;
    try {
      for (const step of steps) {
        if (step.who !== me) {
          try {
            await hear(pc, step, text);
          } catch (error) {
            heard.push({ step: step.step, error: String(error) });
            break;
          }
          if (step.kind !== 'candidate') {
            heard.push({ step: step.step, state: stateOf(pc) });
          }
        } else if (step.kind === 'offer') {
          const now = sectionsOf(step.original).find((item) => !item.rejected)?.ufrag ?? null;
          const said = await sayOffer(pc, step.original, ufrag !== null && now !== ufrag);
          heard.push({ step: step.step, said });
          ufrag = now;
        } else if (step.kind !== 'candidate') {
          await sayAnswer(pc, step.kind, step.original);
          ufrag = sectionsOf(step.original).find((item) => !item.rejected)?.ufrag ?? null;
        }
      }
    } catch (error) {
      heard.push({ step: null, error: `this side: ${error}` });
    } finally {
      pc.close();
    }
    return heard;
  }

  globalThis.replay = async (steps, orders) => {
    const entries = Object.entries(orders).map(async ([me, numbers]) => {
      const met = numbers.map((number) => steps.find((step) => step.step === number));
      const [original, mapped] = await Promise.all([
        play(met, me, 'original'),
        play(met, me, 'mapped'),
      ]);
      return [me, { original, mapped }];
    });
    return Object.fromEntries(await Promise.all(entries));
  };
})();
