// SPDX-License-Identifier: Apache-2.0
// A consumer of Sluice's events in JavaScript, written from docs/event-format.md alone: each event
// takes effect once, in order, whatever is repeated, lost or out of place on the way.
//
//   npm install && node consumer.mjs [--url nats://127.0.0.1:4222] [--shard main]
//                                    [--state consumer.state.json] [--once]
//
// Prints one JSON line per event that takes effect. What it builds is a count per stream; put your
// database there, and keep `state` in the same transaction. --once ends at the hub stream's end
// and prints what it has as its last line.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { decode } from "@msgpack/msgpack";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

// --- One message ------------------------------------------------------------------------------

const hex = (bytes) => Buffer.from(bytes).toString("hex");

// Gives {gateway, epoch, lane, from, to, gap, opened, event}; throws whatever is wrong with a
// message that is poison.
function read(subject, msgId, body) {
  const fields = decode(body, { useBigInt64: true });
  if (!Array.isArray(fields) || fields.length !== 13) throw new Error("the body is not 13 fields");
  if (Number(fields[0]) !== 1) throw new Error(`format ${fields[0]} is not known here`);
  const [, gateway, epoch, lane, seq, category, entity, version] = fields;
  const [occurredAt, recorded, id, type, data] = fields.slice(8);
  const from = BigInt(seq);
  const gap = category === "sluice" && type === "Gap";
  const to = gap ? BigInt(data[0]) : from;
  let opened = null;
  if (category === "sluice" && type === "EpochOpened") opened = data;
  if (gap && data[3] !== null) opened = data[3];

  const tokens = subject.split(".");
  const named = [gateway, lane, category, type];
  const subjects = [tokens[2], tokens[3], ...tokens.slice(4, 6).map(decodeURIComponent)];
  if (named.some((name, i) => name !== subjects[i]))
    throw new Error("the body names other things than the subject");
  const identity = `${gateway}.${epoch}.${lane}.${from}${gap ? `-${to}` : ""}`;
  if (identity !== msgId) throw new Error(`Nats-Msg-Id ${msgId} is not ${identity}`);

  return {
    gateway, epoch, lane, from, to, gap,
    opened: opened && { previous: opened[0], lastSeq: BigInt(opened[1]) },
    event: {
      gateway, epoch, lane, seq: from, stream: `${category}/${entity}`, version: BigInt(version),
      type, id: hex(id), occurredAt, trusted: recorded[3], data,
    },
  };
}

// --- The gate ---------------------------------------------------------------------------------

// One row per (gateway, epoch, lane). `next` is the one seq that may be applied; null: not opened.
class Gate {
  constructor(apply) {
    this.apply = apply;
    this.rows = new Map();
    this.counts = { applied: 0, repeated: 0, absent: 0, late: 0 };
  }

  row(gateway, epoch, lane) {
    const key = `${gateway}.${epoch}.${lane}`;
    if (!this.rows.has(key))
      this.rows.set(key, { gateway, lane, next: null, after: null, held: new Map(), absent: [] });
    return this.rows.get(key);
  }

  offer(item, beginningMissing) {
    const row = this.row(item.gateway, item.epoch, item.lane);
    if (row.next === null && item.opened) {
      row.next = item.from;
      row.after = item.opened.previous === null ? null : item.opened;
    } else if (row.next === null && beginningMissing) {
      row.next = item.from;
    }
    if (row.next !== null && item.to < row.next) this.below(row, item);
    else if (row.held.has(`${item.from}-${item.to}`)) this.counts.repeated += 1;
    else row.held.set(`${item.from}-${item.to}`, item);
    // One row that moves may open another that waits for it.
    while ([...this.rows.values()].some((each) => this.step(each)));
  }

  below(row, item) {
    const seq = item.from;
    const absent = !item.gap && row.absent.some(([from, to]) => from <= seq && seq <= to);
    this.counts[absent ? "late" : "repeated"] += 1;
  }

  isOpen(row) {
    if (row.next === null) return false;
    if (row.after === null) return true;
    const before = this.row(row.gateway, row.after.previous, row.lane);
    return before.next !== null && this.isOpen(before) && before.next > row.after.lastSeq;
  }

  // Applies the one item at `next`, an event before a gap record; false: nothing is there.
  step(row) {
    if (row.held.size === 0 || !this.isOpen(row)) return false;
    const { next } = row;
    const at = [...row.held.values()].filter((item) => item.from <= next && next <= item.to);
    if (at.length === 0) return false;
    const event = at.find((item) => !item.gap);
    if (event) {
      row.held.delete(`${event.from}-${event.to}`);
      row.next = event.to + 1n;
      this.counts.applied += 1;
      this.apply(event.event);
    } else {
      this.jump(row, at[0].to);
    }
    for (const [key, item] of row.held) {
      if (item.to < row.next) row.held.delete(key);
    }
    return true;
  }

  // A gap record up to `to`: held events of the range apply in order, the rest is counted absent.
  jump(row, to) {
    const held = [...row.held.values()].filter((item) => !item.gap && item.from >= row.next);
    const inside = held.map((item) => item.from).filter((from) => from <= to);
    const end = inside.length === 0 ? to : inside.reduce((a, b) => (a < b ? a : b)) - 1n;
    row.absent.push([row.next, end]);
    this.counts.absent += Number(end - row.next + 1n);
    row.next = end + 1n;
  }

  heldCount() {
    return [...this.rows.values()].reduce((sum, row) => sum + row.held.size, 0);
  }
}

// --- State: what a real consumer keeps in its database ----------------------------------------

const withBigInts = (_, value) =>
  typeof value === "bigint" ? { $int: value.toString() }
    : value instanceof Map ? { $map: [...value] }
    : value instanceof Uint8Array ? { $bytes: Buffer.from(value).toString("base64") } : value;
const fromBigInts = (_, value) =>
  value?.$int !== undefined ? BigInt(value.$int)
    : value?.$map !== undefined ? new Map(value.$map)
    : value?.$bytes !== undefined ? Buffer.from(value.$bytes, "base64") : value;

function load(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"), fromBigInts);
  } catch (error) {
    if (error.code === "ENOENT") return null;
    throw error;
  }
}

function save(file, state) {
  writeFileSync(`${file}.new`, JSON.stringify(state, withBigInts));
  renameSync(`${file}.new`, file);
}

// Where to go on: after the stored position if the very message is still there, else at the start.
async function startSequence(jsm, stream, info, position) {
  if (!position || position.created !== info.created) return info.state.first_seq || 1;
  if (position.sequence < info.state.first_seq) return info.state.first_seq;
  try {
    const message = await jsm.streams.getMessage(stream, { seq: position.sequence });
    if (message?.header?.get("Nats-Msg-Id") === position.identity) return position.sequence + 1;
  } catch {
    // No such message: the hub stream was cut back.
  }
  return info.state.first_seq || 1;
}

// --- The program ------------------------------------------------------------------------------

const { values: options } = parseArgs({
  options: {
    url: { type: "string", default: process.env.SLUICE_NATS ?? "nats://127.0.0.1:4222" },
    shard: { type: "string", default: "main" },
    state: { type: "string" },
    once: { type: "boolean", default: false },
  },
});
const print = (value) =>
  console.log(JSON.stringify(value, (_, v) => (typeof v === "bigint" ? v.toString() : v)));

const connection = await connect({ servers: options.url, name: "sluice-consumer-example" });
const stream = `EVENTS-${options.shard}`;
const jsm = await jetstreamManager(connection);
const info = await jsm.streams.info(stream);

const stored = options.state ? load(options.state) : null;
const counts = stored?.counts ?? new Map(); // stream -> events: what this example builds
const gate = new Gate((event) => {
  const name = `${event.gateway}/${event.stream}`;
  counts.set(name, (counts.get(name) ?? 0) + 1);
  print(event);
});
gate.rows = stored?.rows ?? gate.rows;
let position = stored?.position ?? null;
let poison = 0;

const beginningMissing = !stored && info.state.first_seq > 1;
const start = await startSequence(jsm, stream, info, position);
const last = info.state.last_seq;
if (!options.once || start <= last) {
  const consumer = await jetstream(connection).consumers.get(stream, {
    deliver_policy: "by_start_sequence",
    opt_start_seq: start,
  });
  for await (const message of await consumer.consume({ max_messages: 256 })) {
    const msgId = message.headers?.get("Nats-Msg-Id") ?? "";
    let item = null;
    try {
      item = read(message.subject, msgId, message.data);
    } catch (error) {
      poison += 1;
      console.error(`poison at ${message.seq} on ${message.subject}: ${error.message}`);
    }
    if (item) gate.offer(item, beginningMissing);
    position = { created: info.created, sequence: message.seq, identity: msgId };
    if (message.info.pending === 0 && options.state)
      save(options.state, { rows: gate.rows, counts, position });
    if (options.once && message.seq >= last) break;
  }
}
print({ ...gate.counts, held: gate.heldCount(), poison, streams: Object.fromEntries(counts) });
await connection.close();
