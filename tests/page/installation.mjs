// SPDX-License-Identifier: Apache-2.0
// A whole installation on loopback: nats-server, sluiced, sluice-uplink and sluice-hub, with ports
// and a folder of its own, ended by their pids.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';

export async function eventually(what, check, ms = 15000) {
  const end = Date.now() + ms;
  let last;
  for (;;) {
    try {
      const value = await check();
      if (value) return value;
      last = undefined;
    } catch (error) { last = error; }
    if (Date.now() > end) throw new Error(what + ' did not happen in ' + ms / 1000 + ' s' + (last ? ': ' + last.message : ''));
    await new Promise((done) => setTimeout(done, 50));
  }
}

async function freePort() {
  const server = net.createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

export class Installation {
  constructor(programs) {
    this.programs = programs;
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-page.'));
    this.processes = new Map();
  }
  file(name, text) {
    const at = path.join(this.folder, name);
    fs.mkdirSync(path.dirname(at), { recursive: true });
    fs.writeFileSync(at, text);
    return at;
  }

  // `more`: further lines of [hub].
  async start(models, more = '') {
    try {
      await this.bringUp(models, more);
    } catch (error) {
      throw new Error(error.message + '\n' + this.logs());
    }
  }
  async bringUp(models, more) {
    [this.nats_port, this.hub_port] = [await freePort(), await freePort()];
    this.hub_url = 'http://127.0.0.1:' + this.hub_port;
    for (const [name, text] of Object.entries(models)) this.file('models/' + name + '.model.toml', text);
    const at = (name) => path.join(this.folder, name);
    for (const name of ['run', 'state', 'hub', 'nats']) fs.mkdirSync(at(name), { recursive: true });
    this.file('sluice.toml', `[gateway]\nid = "edge-1"\nstate = "${at('state')}"\nrun = "${at('run')}"\n` +
      `[uplink]\nurls = ["nats://127.0.0.1:${this.nats_port}"]\nreport_interval = "5s"\nreport_change_interval = "1s"\n`);
    this.file('hub.toml', `[hub]\nurls = ["nats://127.0.0.1:${this.nats_port}"]\nmodels = ["${at('models')}"]\nstate = "${at('hub')}"\n` +
      `listen = "127.0.0.1:${this.hub_port}"\ngateway_socket = "${at('run/ingest.sock')}"\n${more}\n`);
    this.launch('nats-server', [process.env.SLUICE_NATS_SERVER || 'nats-server', '-a', '127.0.0.1', '-p', String(this.nats_port), '-js', '-sd', at('nats')]);
    await eventually('provision', () => this.sluice(['provision', '--nats', 'nats://127.0.0.1:' + this.nats_port, '--max-bytes', '1GiB', '--keep-forever']).status === 0);
    this.launch('sluiced', [this.program('sluiced'), '--config', at('sluice.toml')]);
    await eventually('sluiced', () => this.sluice(['status']).status === 0);
    this.launch('sluice-uplink', [this.program('sluice-uplink'), '--config', at('sluice.toml')]);
    this.startHub();
    await this.hubAnswers();
  }
  program(name) { return path.join(this.programs, name); }
  startHub() { this.launch('sluice-hub', [this.program('sluice-hub'), '--config', path.join(this.folder, 'hub.toml')]); }
  hubAnswers() { return eventually('sluice-hub', async () => (await fetch(this.hub_url + '/readyz')).ok); }

  sluice(words, input = '') {
    return spawnSync(this.program('sluice'), words, { input, encoding: 'utf8', maxBuffer: 1 << 26, env: { ...process.env, SLUICE_GATEWAY: path.join(this.folder, 'run') } });
  }
  append(events) {
    const done = this.sluice(['append', '--jsonl', '-', '--json'], events.map((event) => typeof event === 'string' ? event : JSON.stringify(event)).join('\n') + '\n');
    if (done.status !== 0) throw new Error('append: ' + done.stdout.slice(-500) + done.stderr);
    return done.stdout.trim().split('\n').map((line) => JSON.parse(line)).filter((line) => !line.summary);
  }
  async post(route, body) {
    const answer = await fetch(this.hub_url + route, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(route + ': ' + answer.status + ' ' + await answer.text());
    return answer.json();
  }
  async json(route) { return (await fetch(this.hub_url + route)).json(); }

  launch(name, [command, ...words]) {
    const log = fs.openSync(path.join(this.folder, name + '.log'), 'a');
    const child = spawn(command, words, { stdio: ['ignore', log, log] });
    fs.closeSync(log);
    this.processes.set(name, child);
  }
  async end(name, signal) {
    const child = this.processes.get(name);
    this.processes.delete(name);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.on('exit', done));
    child.kill(signal);
    await gone;
  }
  async stop() {
    for (const name of ['sluice-uplink', 'sluiced', 'sluice-hub', 'nats-server']) await this.end(name, 'SIGKILL');
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
  logs() {
    return fs.readdirSync(this.folder).filter((name) => name.endsWith('.log'))
      .map((name) => '--- ' + name + '\n' + fs.readFileSync(path.join(this.folder, name), 'utf8').slice(-2000)).join('\n');
  }
}
