// SPDX-License-Identifier: Apache-2.0
// A real PostgreSQL in a scratch cluster, on a Unix socket only. As root its programs run as nobody,
// since they refuse root.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { eventually } from './installation.mjs';

const NOBODY = 65534;
const as = process.getuid() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

function programs() {
  if (process.env.SLUICE_POSTGRES_BIN) return process.env.SLUICE_POSTGRES_BIN;
  const all = '/usr/lib/postgresql';
  const newest = fs.existsSync(all) ? fs.readdirSync(all).map(Number).filter(Boolean).sort((a, b) => b - a)[0] : undefined;
  if (!newest) throw new Error('no PostgreSQL here: scripts/deps.sh test');
  return path.join(all, String(newest), 'bin');
}

export class Postgres {
  constructor() {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-pg.'));
    this.conninfo = 'host=' + this.folder + ' user=sluice dbname=postgres';
  }
  async start() {
    if (as.uid) fs.chownSync(this.folder, as.uid, as.gid);
    const data = path.join(this.folder, 'data');
    const made = spawnSync(path.join(programs(), 'initdb'), ['-D', data, '-U', 'sluice', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--locale=C'],
                           { ...as, cwd: this.folder, encoding: 'utf8' });
    if (made.status !== 0) throw new Error('initdb: ' + made.stdout + made.stderr);
    this.child = spawn(path.join(programs(), 'postgres'), ['-D', data, '-k', this.folder, '-c', 'listen_addresses=', '-c', 'fsync=off'],
                       { ...as, cwd: this.folder, stdio: 'ignore' });
    await eventually('PostgreSQL', () => spawnSync(path.join(programs(), 'pg_isready'), ['-q', '-h', this.folder]).status === 0);
  }
  // The server first: it must not start another backend meanwhile.
  signal(name) {
    const { pid } = this.child;
    const backends = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
    for (const one of [pid, ...backends]) process.kill(one, name);
  }
  pause() { this.signal('SIGSTOP'); }
  resume() { this.signal('SIGCONT'); }
  async stop() {
    if (this.child && this.child.exitCode === null) {
      const gone = new Promise((done) => this.child.on('exit', done));
      this.signal('SIGKILL');
      await gone;
    }
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
