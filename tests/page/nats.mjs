// SPDX-License-Identifier: Apache-2.0
// As much of a NATS client as the tests need: publish with headers, and wait for the answer.
import net from 'node:net';

export class Nats {
  static async connect(port) {
    const nats = new Nats();
    await nats.open(port);
    return nats;
  }

  async open(port) {
    this.socket = net.connect(port, '127.0.0.1');
    this.socket.on('error', () => {});
    this.waiting = new Map();
    this.next = 0;
    let rest = Buffer.alloc(0);
    this.socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (;;) {
        const end = rest.indexOf('\r\n');
        if (end < 0) return;
        const words = rest.subarray(0, end).toString().split(' ');
        if (words[0] === 'MSG') {
          const size = Number(words[words.length - 1]);
          if (rest.length < end + 2 + size + 2) return;
          const body = rest.subarray(end + 2, end + 2 + size).toString();
          this.waiting.get(words[1])?.(body);
          this.waiting.delete(words[1]);
          rest = rest.subarray(end + 2 + size + 2);
          continue;
        }
        if (words[0] === 'PING') this.socket.write('PONG\r\n');
        rest = rest.subarray(end + 2);
      }
    });
    await new Promise((done, fail) => { this.socket.on('connect', done); this.socket.on('error', fail); });
    this.socket.write('CONNECT {"verbose":false,"pedantic":false,"headers":true,"protocol":1}\r\nSUB _INBOX.test.* 1\r\n');
  }

  // The PubAck of a message that a hub stream takes.
  request(subject, body, id) {
    const inbox = '_INBOX.test.' + this.next++;
    const payload = Buffer.from(body);
    const headers = id ? 'NATS/1.0\r\nNats-Msg-Id: ' + id + '\r\n\r\n' : '';
    const size = Buffer.byteLength(headers);
    const answer = new Promise((done, fail) => {
      const timer = setTimeout(() => fail(new Error('no answer on ' + subject)), 5000);
      this.waiting.set(inbox, (text) => {
        clearTimeout(timer);
        const ack = JSON.parse(text);
        if (ack.error) fail(new Error(text)); else done(ack);
      });
    });
    this.socket.write(headers ? `HPUB ${subject} ${inbox} ${size} ${size + payload.length}\r\n${headers}`
                              : `PUB ${subject} ${inbox} ${payload.length}\r\n`);
    this.socket.write(Buffer.concat([payload, Buffer.from('\r\n')]));
    return answer;
  }

  close() { this.socket.destroy(); }
}
