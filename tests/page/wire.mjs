// SPDX-License-Identifier: Apache-2.0
// Reports and events as docs/event-format.md has them, for gateways that the test makes up.
import { encode } from '@msgpack/msgpack';
import { randomBytes } from 'node:crypto';

const NS = 1_000_000n;
const nowNs = () => BigInt(Date.now()) * NS;
const token = (text) => [...Buffer.from(text)].map((byte) => /[A-Za-z0-9_-]/.test(String.fromCharCode(byte))
  ? String.fromCharCode(byte) : '%' + byte.toString(16).toUpperCase().padStart(2, '0')).join('');
const pack = (value) => encode(value, { useBigInt64: true });

export function report({ gateway, machine = 'board-1', epoch = '00000000000000aa', lanes = [[1, 1], [1, 1], [100, 100], [1, 1]],
                         free = 40e9, total = 64e9, off_s = 0, trusted = true, error = '', clone = false, version = '0.1.0' }) {
  return pack([1, gateway, machine, epoch, lanes, BigInt(free), BigInt(total), nowNs() + BigInt(off_s) * 1_000_000_000n, trusted,
               3600_000_000_000n, version, error, clone]);
}

// {subject, body, id} of one event; data is any JSON-like value.
export function event({ gateway, epoch = '00000000000000aa', lane = 'telemetry', seq, category = 'machine', entity = 'press', type = 'Reading',
                        data = null, version = 1, shard = 'main' }) {
  const body = pack([1, gateway, epoch, lane, seq, category, entity, version, null, [nowNs(), randomBytes(16), 1000, true],
                     randomBytes(16), type, data]);
  return { subject: ['ev', shard, gateway, lane, token(category), token(type)].join('.'), body, id: [gateway, epoch, lane, seq].join('.') };
}

export function opened({ gateway, epoch = '00000000000000aa', lane = 'telemetry', seq = 1, previous = null, last = 0 }) {
  return event({ gateway, epoch, lane, seq, category: 'sluice', entity: lane, type: 'EpochOpened', data: [previous, last, null, 'start'] });
}
